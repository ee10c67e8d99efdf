/// Short secrets that a blank breaks, and secrets in dumps of octets.
module CellOS.Export.S3.Core.Tests.BrokenSecretTests

open System
open System.Text
open Expecto
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.Decoding

let private secret =
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

let private shows (text: string) = Redaction.known [ secret ] text

[<Tests>]
let tests =
    testList "Secrets that a program breaks" [
        table
            "a short secret is masked where one blank or line break splits it"
            [
                for secret in [ "hT9wX2"; "hT9wX2kQ"; "a1b2c3d4e5"; "tok-9x8y7z" ] do
                    for at in 1 .. secret.Length - 1 do
                        for between in [ " "; "\n"; "\r\n  "; "%20"; "\\n" ] do
                            secret, secret.Insert(at, between)
            ]
            (fun (secret, text) -> Redaction.known [ secret ] $"bad {text}, sorry")
            (fun _ -> "bad REDACTED, sorry")

        table
            "words that resemble a short secret with blanks stay"
            [ "together", "to gether"; "a1b2c3", "a 1b2 c3"; "123456", "123 456" ]
            (fun (secret, text) -> Redaction.known [ secret ] text)
            snd

        table
            "a secret is masked in a dump of octets, whatever program made it"
            [
                let text = $"GET /k?sig={secret} HTTP/1.1"
                dump text
                (dump text).Replace("\n", " ")

                Encoding.UTF8.GetBytes text
                |> Array.chunkBySize 16
                |> Array.mapi (fun i octets ->
                    let pairs =
                        octets
                        |> Array.chunkBySize 2
                        |> Array.map (Convert.ToHexString >> _.ToLowerInvariant())

                    let hex = String.Join(' ', pairs)
                    $"%08x{16 * i}: {hex}  {Encoding.UTF8.GetString octets}")
                |> String.concat "\n"

                Encoding.UTF8.GetBytes text
                |> Array.chunkBySize 16
                |> Array.mapi (fun i octets ->
                    let hex = String.Join(' ', octets |> Array.map _.ToString("x2"))
                    $"%07o{16 * i} {hex}")
                |> String.concat "\n"
            ]
            (fun dump -> shows $"sent:\n{dump}\nand no more")
            (fun _ -> "sent:\nREDACTED\nand no more")

        testCase "a dump of octets without a secret stays" (fun () ->
            let text = dump "HTTP/1.1 403 Forbidden, and nothing of it is a secret"
            Expect.equal (shows text) text "the dump")
    ]
