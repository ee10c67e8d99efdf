/// Secrets in the rarer escapes.
module CellOS.Export.S3.Core.Tests.EscapeTests

open System
open Expecto
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config

let private octets (spell: int -> string) (text: string) =
    text |> String.collect (fun c -> spell (int c))

let private spellings: (string * (string -> string)) list = [
    "\\u{2B}", octets (fun c -> $"\\u{{%X{c}}}")
    "\\u{00002b}", octets (fun c -> $"\\u{{%08x{c}}}")
    "\\x2B", octets (fun c -> $"\\x%02X{c}")
    "=2B", octets (fun c -> $"=%02X{c}")
    "%u002B", octets (fun c -> $"%%u%04X{c}")
    "%U002b", octets (fun c -> $"%%U%04x{c}")
    "&#x2B;", octets (fun c -> $"&#x%X{c};")
    "&#43;", octets (fun c -> $"&#%d{c};")
    "\\053", octets (fun c -> "\\" + Convert.ToString(c, 8).PadLeft(3, '0'))
    "\\U0000002B", octets (fun c -> $"\\U%08X{c}")
    "\\u002b", octets (fun c -> $"\\u%04x{c}")
    "%2B", octets (fun c -> $"%%%02X{c}")
    "blanks", _.Replace('+', ' ')
]

[<Tests>]
let tests =
    testList "Rare escapes" [
        testCase "a secret is masked in every escape, alone and after any other" (fun () ->
            for secret in [ "ab+cd/ef41deadbeef00=="; "kE9+z_7q" ] do
                for firstName, first in spellings do
                    for secondName, second in spellings do
                        let text = $"see '{second (first secret)}' there"
                        let shown = Redaction.known [ secret ] text

                        Expect.equal
                            (shown.Replace("==", ""))
                            "see 'REDACTED' there"
                            $"{firstName}, {secondName}")

        testCase "a secret is masked where only its special characters are escaped" (fun () ->
            for secret in [ "ab+cd/ef41deadbeef00"; "kE9+z_7q" ] do
                for name, spell in spellings do
                    let text =
                        secret
                        |> String.collect (fun c ->
                            if Char.IsAsciiLetterOrDigit c then string c else spell (string c))

                    for before in [ "see "; "sum="; "sum: " ] do
                        let shown = Redaction.known [ secret ] $"{before}{text} there"
                        // An '=' may be taken for the beginning of an escape.
                        Expect.equal (shown.Replace("=", "")) $"{before.TrimEnd '='}REDACTED there" name)

        table
            "octets of UTF-8 are put together"
            [
                "caf=C3=A9-t0ken"
                @"caf\303\251-t0ken"
                "caf%u00e9-t0ken"
                @"caf\u{e9}-t0ken"
            ]
            (fun text -> Redaction.known [ "caf%C3%A9-t0ken" ] $"x {text} y")
            (fun _ -> "x REDACTED y")

        testCase "what only looks like an escape stays" (fun () ->
            for text in
                [
                    "a=b"
                    "x=5F"
                    "f=ab(c)"
                    @"\u{}"
                    @"\u{110000000}"
                    @"\u{zz}"
                    @"\400"
                    @"\08"
                    "%u00"
                    "100%ud"
                    "}"
                    @"\U00"
                ] do
                Expect.equal (Redaction.known [ "q1w2e3r4t5y6u7i8o9" ] text) text text)
    ]
