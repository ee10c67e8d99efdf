namespace CellOS.Export.S3.Generators

open System
open System.Text
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core

/// Texts, valid and hostile: what somebody, or a server, may put where a text belongs.
[<RequireQualifiedAccess>]
module Texts =

    let private ascii = [ ' ' .. '~' ] |> List.map string

    let private letters = [ 'a' .. 'z' ] @ [ 'A' .. 'Z' ] @ [ '0' .. '9' ]

    /// Characters beyond ASCII that a name may hold: accents, combining marks, scripts that run to the left, bidi
    /// marks, line separators, characters beyond the first plane.
    let private unicode = [
        "é"
        "ß"
        "e\u0301"
        "\u202e"
        "\u2028"
        "\u2029"
        "\ufeff"
        "ש"
        "汉"
        "𝄞"
        "👩‍🚀"
        "\ufffd"
        "\uffff"
    ]

    let internal controls = [ "\000"; "\t"; "\r\n"; "\n"; "\027"; "\127"; "\u0085"; "\u009f" ]

    /// Halves of surrogate pairs, which a literal cannot hold.
    let internal halves =
        [ 0xd800; 0xdbff; 0xdc00; 0xdfff ] |> List.map (char >> string)

    /// What paths, queries and templates give a meaning to.
    let private pieces = [
        ""
        "."
        ".."
        "/"
        "//"
        "\\"
        "a/../b"
        "a\\b"
        "%"
        "%2F"
        "%2f"
        "%2E%2E"
        "%00"
        "%zz"
        "?"
        "&"
        "="
        "#"
        "@"
        ":"
        ";"
        "+"
        "{"
        "}"
        "{cell_id}"
        "{artifact_name}"
        "{artifact}"
        "X-Amz-Signature="
        "?x=y&z"
        "stdout.txt"
    ]

    let private long =
        [ 54; 62; 63; 64; 254; 255; 256; 300; 1100 ]
        |> List.map (String.replicate >> (|>) "a")

    let private joined (parts: Gen<string>) =
        gen {
            let! count = Gen.choose (0, 8)
            let! parts = Gen.listOfLength count parts
            return String.Concat parts
        }

    /// Anything that a `string` can hold: unicode, control characters, halves of surrogate pairs, dot segments,
    /// percent signs, placeholders, very long texts.
    let any: Gen<string> =
        joined (
            Gen.frequency [
                6, Gen.elements ascii
                3, Gen.elements pieces
                2, Gen.elements unicode
                1, Gen.elements controls
                1, Gen.elements halves
                1, Gen.elements long
            ]
        )

    /// Anything, and null.
    let anyOrNull: Gen<string> =
        Gen.frequency [ 30, any; 1, Gen.constant (Unchecked.defaultof<string>) ]

    /// ASCII letters and digits, of a length in this range.
    let alphanumeric (shortest: int) (longest: int) : Gen<string> =
        gen {
            let! length = Gen.choose (shortest, longest)
            let! characters = Gen.arrayOfLength length (Gen.elements letters)
            return String characters
        }

    /// 16 to 40 letters and digits: nothing that is in a text by accident, and that no escaping changes.
    let secret: Gen<string> = alphanumeric 16 40

    /// One segment of a path that the library allows as a cell id, however odd: at most 255 UTF-8 bytes.
    let segment: Gen<string> =
        let isPlain (piece: string) =
            not (piece.Contains '/' || piece.Contains '\\')

        joined (
            Gen.frequency [
                6, Gen.elements (List.filter isPlain ascii)
                3, Gen.elements unicode
                2, Gen.elements (List.filter isPlain pieces)
            ]
        )
        |> Gen.map (fun text ->
            match text with
            | ""
            | "."
            | ".." -> "_" + text
            | text when Encoding.UTF8.GetByteCount text > 255 -> "long"
            | text -> text)
        |> Gen.filter (Redaction.looksLikeUrl >> not)

    /// Each character of a text in either case.
    let mixedCase (text: string) : Gen<string> =
        gen {
            let! ups = Gen.listOfLength text.Length (Gen.elements [ true; false ])

            return
                Seq.map2 (fun up -> if up then Char.ToUpperInvariant else Char.ToLowerInvariant) ups text
                |> String.Concat
        }

    /// Some characters of an ASCII text percent-encoded that need not be.
    let overEscaped (text: string) : Gen<string> =
        gen {
            let! choices = Gen.listOfLength text.Length (Gen.choose (0, 5))

            return
                Seq.map2
                    (fun choice (c: char) ->
                        match choice with
                        | 0 -> $"%%%02X{int c}"
                        | 1 -> $"%%%02x{int c}"
                        | _ -> string c)
                    choices
                    text
                |> String.Concat
        }

    /// The text as a server may echo it: each ASCII character as it is, percent-encoded once or twice, as an escape of
    /// JSON or of a programming language, as an entity of XML, or as in quoted-printable, with digits in either case.
    let spelled (text: string) : Gen<string> =
        let entity (c: char) =
            match c with
            | '&' -> "&amp;"
            | '<' -> "&lt;"
            | '>' -> "&gt;"
            | '"' -> "&quot;"
            | '\'' -> "&apos;"
            | c -> $"&#%d{int c};"

        let octal (c: char) =
            "\\" + Convert.ToString(int c, 8).PadLeft(3, '0')

        let spell (c: char) =
            if c > '\u007f' then
                Gen.constant (string c)
            else
                Gen.frequency [
                    4, Gen.constant (string c)
                    4,
                    Gen.elements [
                        $"%%%02X{int c}"
                        $"%%%02x{int c}"
                        $"%%25%02X{int c}"
                        $"%%25%02x{int c}"
                        $"\\u%04X{int c}"
                        $"\\u%04x{int c}"
                        entity c
                        $"&#x%X{int c};"
                        $"&#x00%x{int c};"
                        (if c = '/' then "\\/" else string c)
                    ]
                    1,
                    Gen.elements [
                        $"\\u{{%X{int c}}}"
                        $"\\x%02x{int c}"
                        $"%%u%04X{int c}"
                        $"=%02X{int c}"
                        octal c
                    ]
                ]

        // One spelling for all of its characters is what most servers do.
        let uniform =
            Gen.elements [
                fun (c: char) -> $"%%%02X{int c}"
                fun c -> $"%%25%02x{int c}"
                fun c -> $"\\u%04x{int c}"
                fun c -> $"&#x%x{int c};"
                fun c -> if c = '/' then "\\/" else string c
                fun c -> if c = '/' then "%2F" else string c
                fun c -> if c = '+' then "%2B" else string c
                fun c -> if c = '+' then "\\u002B" else string c
                fun c -> $"\\u{{%x{int c}}}"
                fun c -> $"=%02X{int c}"
                fun c -> $"%%u%04x{int c}"
                octal
            ]
            |> Gen.map (fun spell -> String.collect spell text)

        let mixed =
            text
            |> Seq.map spell
            |> List.ofSeq
            |> Gen.sequenceToList
            |> Gen.map String.Concat

        Gen.frequency [ 3, mixed; 1, uniform ]
