/// What appears in the place of a URL that no program filled in: variables, placeholders, paths, commands.
module CellOS.Export.S3.Core.Tests.UnfilledTextTests

open Expecto
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.SpecGenerators

let private good =
    "https://evidence.s3.us-west-2.amazonaws.com/cell/a.txt?X-Amz-Signature=s"

/// Text, and what the message contains.
let private rows = [
    // Variables.
    "$URL", "is the name of a variable that a shell did not expand 'URL'"
    "${URL}", "that a shell did not expand 'URL'"
    "${URL:-}", "that a shell did not expand 'URL'"
    "$env:URL", "that PowerShell did not expand 'URL'"
    "%URL%", "that Windows did not expand 'URL'"
    "!URL!", "that Windows did not expand 'URL'"
    "https://$HOST/cell/a", "that a shell did not expand 'HOST'"
    "https://%HOST%/cell/a", "that Windows did not expand 'HOST'"
    "https://h.example/${CELL}/a", "contains a variable that no shell expanded 'CELL'"
    "https://h.example/cell/a?X-Amz-Signature=${SIGNATURE}", "contains a variable that no shell expanded, at"
    "$(cat url)", "is a command that no shell ran"
    "$(aws s3 presign s3://evidence/cell/a)", "is a command that no shell ran"
    "`cat url`", "is a command that no shell ran"
    "`aws s3 presign s3://evidence/cell/a`", "is a command that no shell ran"
    "$URL/cell/a?redirect=https://h", "that a shell did not expand 'URL'"
    "aws s3 presign s3://evidence/cell/a", "is a command that no shell ran"
    // Templates.
    "{{ url }}", "an expression of a template that no program filled in"
    "${{ secrets.URL }}", "an expression of a template that no program filled in"
    "<%= url %>", "an expression of a template that no program filled in"
    "https://{{ bucket }}.s3.amazonaws.com/cell/a", "an expression of a template"
    // Placeholders.
    "<your-url>", "is a placeholder"
    "<presigned URL>", "is a placeholder"
    "[url]", "is a placeholder"
    "{url}", "is a placeholder"
    "__URL__", "is a placeholder"
    "@URL@", "is a placeholder"
    "TODO", "is a placeholder"
    "todo: presign", "is a placeholder"
    "changeme", "is a placeholder"
    "CHANGE_ME", "is a placeholder"
    "your-presigned-url", "is a placeholder"
    "REPLACE_WITH_URL", "is a placeholder"
    "xxx", "is a placeholder"
    "...", "is a placeholder"
    "https://<bucket>.s3.us-west-2.amazonaws.com/cell/a", "a placeholder in angle brackets, <bucket>"
    "null", "is 'null', which a program writes for a value that is absent"
    "None", "is 'None', which a program writes"
    "undefined", "is 'undefined', which a program writes"
    // Files and paths.
    "./url.txt", "is a path without scheme and host, such as that of a file"
    "../url", "is a path without scheme and host"
    "~/url.txt", "is a path without scheme and host"
    "/run/secrets/url", "is a path without scheme and host"
    "/evidence/cell/a", "is a path without scheme and host"
    "url.txt", "is a path without scheme and host"
    "urls.json", "is a path without scheme and host"
    "C:\\urls\\a", "is a path without scheme and host"
    "file:///run/secrets/url", "is a path without scheme and host"
    "@url.txt", "begins with '@'"
    "/cell/a?X-Amz-Signature=s", "is a path with a query, without http:// or https://"
    "//evidence.s3.amazonaws.com/cell/a", "lacks its scheme"
    // Others.
    "arn:aws:s3:::evidence/cell/a", "is an ARN"
    """{"a": "https://h.example/a"}""", "is JSON, not a URL"
]

let private messageOf (text: string) =
    match UrlTemplate.parse text with
    | Ok _ -> "accepted"
    | Error refusal -> refusal.Message

[<Tests>]
let tests =
    testList "UnfilledText" [
        testCase
            "names what appears in the place of a URL, with a remedy, and never as a scheme that is absent"
            (fun () ->
                for text, expected in rows do
                    let message = messageOf text
                    Expect.stringContains message expected text
                    Expect.isFalse (message.Contains "does not begin with http") text
                    Expect.isLessThan (message.Split(' ').Length) 46 $"short: {message}"

                for text, expected in rows do
                    if not (text.Contains '"') then
                        let escaped = text.Replace("\\", "\\\\")

                        match UrlManifest.parse $"{{\"a\": \"{escaped}\"}}" with
                        | Ok _ -> failtest text
                        | Error problems -> Expect.stringContains (String.concat " " problems) expected text)

        testCase "reports none in URLs and templates" (fun () ->
            for text in
                [
                    good
                    "https://h.example/{cell_id}/{artifact_name}"
                    "https://h.example/$/a"
                    "https://h.example/cell/a$b(c).txt"
                    "https://h.example/TODO/a"
                    "https://h.example/%24URL/a"
                    "https://[::1]:9000/a"
                    "https://h.example/null"
                    "https://todo.example/changeme.txt"
                ] do
                Expect.equal (messageOf text) "accepted" text)

        testCase "the problem names the variable of the target" (fun () ->
            let variable = suffixed Variable.PresignedUrl "a"
            let problems = (resolve [ s3 "a" ] [] [ variable, "$URL" ]).Problems
            let message = (List.exactlyOne problems).Message
            Expect.stringContains message variable "which"
            Expect.stringContains message "Give the value itself" "what to do")

        testCase "a broker's path is named as a socket that lacks 'unix:'" (fun () ->
            match BrokerEndpoint.parse "/run/broker.sock" with
            | Ok _ -> failtest "accepted"
            | Error refusal -> Expect.stringContains refusal.Message "Write unix: before" "the remedy")

        testCase "a word for no proxy, and a variable, are not taken for the host of a proxy" (fun () ->
            for word in
                [
                    "none"
                    "off"
                    "OFF"
                    "false"
                    "no"
                    "0"
                    "null"
                    "direct"
                    "disabled"
                    "\"\""
                    "''"
                    "-"
                ] do
                match Proxy.parse word with
                | Ok proxy -> failtest $"{word} is {proxy}"
                | Error refusal ->
                    Expect.stringContains refusal.Message "is a word for no proxy" word
                    Expect.stringContains refusal.Message "Unset the variable" word

            for text in
                [
                    "$PROXY"
                    "${PROXY}"
                    "%PROXY%"
                    "http://$PROXY:3128"
                    "http://${PROXY}"
                    "<proxy>"
                    "{{ proxy }}"
                    "TODO"
                    "changeme"
                ] do
                match Proxy.parse text with
                | Ok proxy -> failtest $"{text} is {proxy}"
                | Error refusal -> Expect.stringContains refusal.Message "Give the proxy itself" text

            for good in [ "proxy"; "proxy:3128"; "http://none.example:3128"; "http://u:$x@proxy:1" ] do
                Expect.isTrue (Proxy.parse good).IsOk good)
    ]
