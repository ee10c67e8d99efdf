/// Redaction takes no more time than the text is worth.
module CellOS.Export.S3.Core.Tests.RedactionCostTests

open System
open System.Diagnostics
open Expecto
open CellOS.Export.S3.Core

[<Tests>]
let tests =
    testList "Cost of redaction" [
        testCase "64 KiB of hostile text is redacted within seconds" (fun () ->
            let url =
                "https://h/p?"
                + String.Join('&', [ for i in 1..200 -> $"p{i}=k{i}=v4lue{i};t{i}=s3cr3t{i}" ])

            let secrets = Redaction.secretsOf url

            let command =
                match UrlCommand.create [ "c"; url ] with
                | Ok command -> command
                | Error refusal -> failtest refusal.Message

            for piece in
                [
                    "https://u:p/"
                    "https://u:p@h/"
                    "://a:b?"
                    "http:/a:b/"
                    "%3A%2F%2Fa%3Ab%2F://a:b/"
                    "=5F"
                    "=3D"
                    "\\u{2B}"
                    "\\u{"
                    "}"
                    "0}"
                    "\\053"
                    "%u0025"
                    "Bearer "
                    "accessToken"
                    "accessToken "
                    "accessToken="
                    "\"accessToken\":\""
                    "token: Bearer "
                    "<accessToken>"
                    "Cookie: "
                    "eyJ."
                    "a=b;"
                    "0000 00 "
                    "00000000  00 "
                    "00 "
                    "--token "
                    "-p 'a"
                    "-p "
                    "--"
                    "pass= "
                    "PASS"
                    "password (password "
                    " "
                    "a\n"
                ] do
                let text = String.replicate (65536 / piece.Length) piece
                let watch = Stopwatch.StartNew()
                Redaction.known secrets text |> ignore
                Redaction.url text |> ignore
                Redaction.plain text |> ignore
                Redaction.secretsOf ("https://h/p?" + text) |> ignore
                SourceSecrets.mask (SourceSecrets.ofCommand command) text |> ignore
                // Two hundred secrets take some 100 ms; a quadratic search would take minutes.
                Expect.isLessThan watch.Elapsed.TotalSeconds 10. $"%A{piece}")
    ]
