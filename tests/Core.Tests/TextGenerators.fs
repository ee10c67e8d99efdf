/// Texts, valid and hostile.
module CellOS.Export.S3.Core.Tests.TextGenerators

open System
open System.Text
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core

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

let private controls = [ "\000"; "\t"; "\r\n"; "\n"; "\027"; "\127"; "\u0085"; "\u009f" ]

/// Halves of surrogate pairs, which a literal cannot hold.
let private halves = [ 0xd800; 0xdbff; 0xdc00; 0xdfff ] |> List.map (char >> string)

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

/// Anything that a `string` can hold.
let anyText =
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
let anyTextOrNull: Gen<string> =
    Gen.frequency [ 30, anyText; 1, Gen.constant (Unchecked.defaultof<string>) ]

/// Letters and digits.
let alphanumeric (shortest: int) (longest: int) =
    gen {
        let! length = Gen.choose (shortest, longest)
        let! characters = Gen.arrayOfLength length (Gen.elements letters)
        return String characters
    }

/// One segment of a path that the contract allows, however odd.
let segment =
    joined (
        Gen.frequency [
            6, Gen.elements (ascii |> List.filter (fun c -> c <> "/" && c <> "\\"))
            3, Gen.elements unicode
            2,
            Gen.elements (
                pieces
                |> List.filter (fun piece -> not (piece.Contains '/' || piece.Contains '\\'))
            )
        ]
    )
    |> Gen.map (fun text ->
        match text with
        | ""
        | "."
        | ".." -> "_" + text
        | text when Encoding.UTF8.GetByteCount text > 255 -> "long"
        | text -> text)

let private ok result =
    match result with
    | Ok value -> value
    | Error refusal -> failwithf "The generator made a wrong value: %O" refusal

let cellId = segment |> Gen.map (CellId.create >> ok)

let artifactText =
    gen {
        let! depth = Gen.choose (1, 4)
        let! segments = Gen.listOfLength depth segment
        return String.Join('/', segments)
    }

let artifact = artifactText |> Gen.map (ArtifactName.create >> ok)

let bucket =
    Gen.elements [ "evidence"; "my.cellos-evidence"; "Üblich"; "a b" ]
    |> Gen.map (Bucket.create >> ok)

let targetName =
    Gen.elements [ "artifact-bucket"; "a"; "9_lives.x" ]
    |> Gen.map (TargetName.create >> ok)

/// 16 to 40 letters and digits: nothing that is in a text by accident, and that no escaping changes.
let secret = alphanumeric 16 40

/// Whether a text holds a secret, in any case.
let holds (secrets: string list) (text: string) =
    secrets
    |> List.filter (fun secret -> text.Contains(secret, StringComparison.OrdinalIgnoreCase))

/// Each character of a text in either case.
let mixedCase (text: string) =
    gen {
        let! ups = Gen.listOfLength text.Length (Gen.elements [ true; false ])

        return
            String.Join(
                "",
                Seq.map2
                    (fun up (c: char) -> if up then Char.ToUpperInvariant c else Char.ToLowerInvariant c)
                    ups
                    text
            )
    }

/// Some characters of a text percent-encoded that need not be.
let overEscaped (text: string) =
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
