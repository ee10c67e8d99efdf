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

        table
            "user name and password are masked without a scheme, too"
            [
                "user:secretpw@proxy:3128", "REDACTED@proxy:3128"
                "proxy user:secretpw@10.0.0.1:3128 said no", "proxy REDACTED@10.0.0.1:3128 said no"
                "'user:secretpw@proxy.example'", "'REDACTED@proxy.example'"
                "user%3Asecretpw%40proxy", "REDACTED%40proxy"
                "NO_PROXY=a,user:secretpw@h", "NO_PROXY=a,REDACTED@h"
                "user:p@ss@proxy:3128", "REDACTED@proxy:3128"
            ]
            (fun (text, _) -> Redaction.text text, Redaction.plain text)
            (fun (_, shown) -> shown, shown)

        testCase "names of resources, times and addresses of e-mail are not user info" (fun () ->
            for text in
                [
                    "User: arn:aws:sts::123456789012:assumed-role/Role/me@example.com is not authorized"
                    "arn:aws:iam::123456789012:user/a@b"
                    "mailto:me@example.com"
                    "git@github.com:owner/name"
                    "at 12:30:05 by me@host"
                    "Contact: me@example.com"
                    "{\"mail\":\"me@example.com\"}"
                ] do
                Expect.equal (Redaction.text text) text "text")

        testCase "user info is masked where the text ends within it" (fun () ->
            for text in [ "see https://user:pass-w0rd"; "see https://user:pass-w"; "see http:/user:8x" ] do
                let shown = Redaction.text text
                Expect.isFalse (shown.Contains "user:") $"{text} → {shown}"

            for text in [ "https://host:8080"; "https://host"; "https://[::1]:443" ] do
                Expect.equal (Redaction.text text) text "a host and a port")

        testCase "the user name of a proxy is masked, and the host of the URL is not" (fun () ->
            match Proxy.parse "http://evidence:hunter2secretpw@p.example:3128" with
            | Error refusal -> failtest (string refusal)
            | Ok proxy ->
                let shown = Proxy.maskText "my-evidence.s3.amazonaws.com"

                for text, expected in
                    [
                        "a tunnel to my-evidence.s3.amazonaws.com",
                        "a tunnel to my-evidence.s3.amazonaws.com"
                        "no user evidence here", "no user REDACTED here"
                        "user: Evidence.", "user: REDACTED."
                        "evidence:hunter2secretpw", "REDACTED"
                        "hunter2secretpw", "REDACTED"
                    ] do
                    Expect.equal (shown text proxy) expected text

                Expect.equal
                    (Proxy.maskText "store.example" "my-evidence" proxy)
                    "my-REDACTED"
                    "another host")

        testCase "the user name of a proxy is masked in what it says" (fun () ->
            match Proxy.parse "http://svc-uploader:hunter2secretpw@p.example:3128" with
            | Error refusal -> failtest (string refusal)
            | Ok proxy ->
                let echo = {
                    Reply.Of 407 with
                        RequestId = Some "svc-uploader"
                        Server = Some "denied for SVC-Uploader"
                }

                let shown = sprintf "%A" (Proxy.mask "store.example" (Outcome.Replied echo) proxy)
                Expect.isFalse (shown.Contains("svc-uploader", StringComparison.OrdinalIgnoreCase)) shown)
    ]
