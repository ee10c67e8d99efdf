/// User info of URLs, also with characters in it that end a URL's authority.
module CellOS.Export.S3.Core.Tests.UserInfoTests

open System
open Expecto
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config

[<Tests>]
let tests =
    testList "User info" [
        table
            "user info is masked with a raw '/', '?', '#' or '@' in the password"
            [
                for password in
                    [
                        "pa/ss"
                        "pa?ss"
                        "pa#ss"
                        "pa@ss"
                        "/ss"
                        "p@ss/x"
                        "a/b/c?d#e@f"
                        "99999/1"
                        "pa//ss"
                        "pa://ss"
                    ] do
                    for host in [ "host/x"; "host:8080/x"; "[::1]:80/x"; "host" ] do
                        $"https://user:{password}@{host}", $"https://REDACTED@{host}"
            ]
            (fun (url, _) ->
                Redaction.url url,
                Redaction.text $"proxy {url} said no",
                Redaction.plain url,
                Redaction.text (Text.Json.JsonSerializer.Serialize url),
                Redaction.text (Uri.EscapeDataString url))
            (fun (_, shown) ->
                shown,
                $"proxy {shown} said no",
                shown,
                Text.Json.JsonSerializer.Serialize shown,
                Uri.EscapeDataString shown)

        testCase "an '@' in a path, a query or a key is not user info" (fun () ->
            for text in
                [
                    "https://host/a@b/x"
                    "https://host:8080/a@b"
                    "https://[::1]:8443/a@b"
                    "https://[::1]/a@b"
                    "s3://evidence/cell-1/a@b"
                    "s3://tenant:evidence/cell-1/a@b"
                    "see https://host/p, or mail a@b"
                    "https://host"
                ] do
                Expect.equal (Redaction.text text) text "text"
                Expect.equal (Redaction.url text) text "url")
    ]
