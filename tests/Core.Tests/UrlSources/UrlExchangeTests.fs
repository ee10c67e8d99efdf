/// What is asked of brokers and commands, what they may respond, and what the push machine makes of it.
module CellOS.Export.S3.Core.Tests.UrlExchangeTests

open System
open System.Collections.Generic
open System.Text
open System.Text.Json
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.UrlGenerators
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.Driver
open CellOS.Export.S3.Core.Tests.Stories

let private secret = "s3cr3ts3cr3ts3cr3t"

let private signedUrl =
    $"https://gw.example/evidence/cell-1/logs/out.txt?token={secret}"

let private anySecret = TextGenerators.secret

let private parse (text: string) =
    UrlResponse.parse [] (ReadOnlyMemory(Encoding.UTF8.GetBytes text))

let private json (value: string) = JsonSerializer.Serialize value

let private word (response: UrlResponse) =
    match response with
    | UrlResponse.Granted grant ->
        let headers =
            grant.Headers
            |> List.map (fun header -> $"{header.Key}={header.Value}")
            |> String.concat ","

        let expires =
            match grant.ExpiresAt with
            | Some at -> at.UtcDateTime.ToString("u")
            | None -> "-"

        $"granted {headers} {expires}"
    | UrlResponse.Refused message -> $"refused: {message}"
    | UrlResponse.Invalid defect -> $"invalid: {defect}"

/// Any JSON, some of it with the fields of the protocol.
let private anyJson: Gen<string> =
    let name =
        Gen.frequency [
            6, Gen.elements [ "url"; "headers"; "expiresAt"; "error"; "message"; "x" ]
            1, anyText
        ]

    let rec value depth =
        Gen.frequency [
            3,
            Gen.elements [
                "null"
                "true"
                "1"
                "1e999"
                "\"\\ud800\""
                json signedUrl
                "\"2026-05-01T12:00:00Z\""
            ]
            2, anyText |> Gen.map json
            if depth > 0 then
                3,
                Gen.listOf (Gen.zip name (value (depth - 1)))
                |> Gen.map (fun fields ->
                    let fields = fields |> List.map (fun (name, value) -> $"{json name}: {value}")

                    "{" + String.concat ", " fields + "}")

                1,
                Gen.listOf (value (depth - 1))
                |> Gen.map (fun items -> "[" + String.concat ", " items + "]")
        ]

    value 3

[<Tests>]
let protocol =
    testList "the protocol of brokers and commands" [
        testCase "a request is one line of JSON with all that is known" (fun () ->
            let plan =
                plan None (fun target -> {
                    target with
                        Name = TargetName.create "worm" |> Result.toOption
                        Region = Some "us-west-2"
                        WriteOnce = true
                        Headers =
                            RequestHeaders.create (pairs [ "X-Amz-Meta-Run", "42" ])
                            |> Result.defaultValue []
                })
                |> PushPlan.withContentType "text/plain"
                |> Result.defaultWith (fun refusal -> failwith refusal.Message)

            Expect.equal
                (UrlRequest.toJson (UrlRequest.create plan 2 3L Outcomes.digests))
                ("""{"version":1,"target":"worm","cellId":"cell-1","artifactName":"logs/out.txt","bucket":"evidence","key":"cell-1/logs/out.txt","region":"us-west-2","attempt":2,"contentLength":3,"contentType":"text/plain","headers":{"If-None-Match":"*","X-Amz-Meta-Run":"42"},"""
                 + (UrlRequest.bound
                    |> List.map (fun algorithm ->
                        let digest = (digestsOf [ algorithm ]).Head
                        $"\"{algorithm.Name}\":\"{digest.Base64}\"")
                    |> String.concat ",")
                 + "}")
                "as documented")

        testCase "a request leaves out what is unknown" (fun () ->
            Expect.equal
                (UrlRequest.toJson (UrlRequest.create (asked same) 1 0L []))
                """{"version":1,"cellId":"cell-1","artifactName":"logs/out.txt","bucket":"evidence","key":"cell-1/logs/out.txt","attempt":1,"contentLength":0,"headers":{}}"""
                "no null")

        propertyTimes
            300
            "a request is read as it was written, on one line"
            (Gen.zip3 (Gen.zip cellId artifact) (Gen.choose (0, Int32.MaxValue)) anyText)
            (fun ((cell, artifact), length, value) ->
                let bucket = Bucket.create "b" |> Result.defaultWith (fun r -> failwith r.Message)

                match PushPlan.create (Target.create cell bucket None) artifact with
                | Error _ -> ()
                | Ok plan ->
                    let request = {
                        UrlRequest.create plan 1 (int64 length) Outcomes.digests with
                            Headers = [ KeyValuePair("x-amz-meta-a", value) ]
                    }

                    let line = UrlRequest.toJson request
                    Expect.isFalse (line.Contains '\n' || line.Contains '\r') "one line"
                    use read = JsonDocument.Parse line

                    let text (name: string) =
                        read.RootElement.GetProperty(name).GetString() |> Option.ofObj

                    Expect.equal (text "cellId") (Some(CellId.value cell)) "cell"
                    Expect.equal (text "artifactName") (Some(ArtifactName.value artifact)) "artifact"
                    Expect.equal (text "key") (Some(ObjectKey.value plan.Key)) "key"

                    Expect.equal
                        (read.RootElement.GetProperty("contentLength").GetInt64())
                        (int64 length)
                        "length")

        propertyTimes 300 "the text form of a request shows no value of a header" anySecret (fun secret ->
            let request = {
                UrlRequest.create (asked same) 1 0L [] with
                    Headers = [ KeyValuePair("x-gateway-token", secret) ]
            }

            Expect.isEmpty (holds [ secret ] (string request)) "masked"
            Expect.contains (UrlRequest.secrets request) secret "to be masked elsewhere")

        table
            "a response is a URL, a refusal, or a defect that is named"
            [
                $"""{{"url":{json signedUrl}}}""", "granted  -"
                $"""  {{"url":{json signedUrl},"headers":{{}},"more":[1],"error":null}} """, "granted  -"
                $"""{{"url":{json signedUrl},"headers":{{"a":"1","b":"2"}},"expiresAt":"2026-05-01T14:00:00+02:00"}}""",
                "granted a=1,b=2 2026-05-01 12:00:00Z"
                $"""{{"url":{json signedUrl},"headers":null,"expiresAt":null}}""", "granted  -"
                $"""{{"url":{json signedUrl},"expiresAt":"2026-05-01T12:00Z"}}""",
                "granted  2026-05-01 12:00:00Z"
                """{"error":{"message":"not your cell."}}""", "refused: not your cell"
                """{"error":{}}""", "refused: no reason was given"
                """{"error":"no"}""", "refused: no"
                $"""{{"error":{{"message":"see https://h/k?X-Amz-Signature={secret}"}}}}""",
                "refused: see https://h/k?X-Amz-Signature=REDACTED"
                "", "invalid: it is empty"
                " \r\n", "invalid: it is empty"
                "<html>", "invalid: it is not valid JSON"
                "{", "invalid: it is not valid JSON"
                "{}{}", "invalid: it is not valid JSON"
                "[]", "invalid: it must be a JSON object, and is an array"
                json signedUrl, "invalid: it must be a JSON object, and is a text"
                "null", "invalid: it must be a JSON object, and is null"
                "{}", "invalid: it has neither 'url' nor 'error'"
                """{"url":null}""", "invalid: it has neither 'url' nor 'error'"
                """{"url":1}""", "invalid: 'url' must be a text, and is a number"
                $"""{{"url":{json signedUrl},"error":{{"message":"no"}}}}""",
                "invalid: it has both 'url' and 'error'"
                $"""{{"url":{json signedUrl},"url":{json signedUrl}}}""", "invalid: 'url' appears twice"
                $"""{{"url":{json signedUrl},"headers":[]}}""",
                "invalid: 'headers' must be an object of names and values, and is an array"
                $"""{{"url":{json signedUrl},"headers":{{"a":1}}}}""",
                "invalid: the value of the header 'a' must be a text, and is a number"
                $"""{{"url":{json signedUrl},"headers":{{"a":"1","A":"2"}}}}""",
                "invalid: the header 'a' appears twice"
                $"""{{"url":{json signedUrl},"expiresAt":1}}""",
                "invalid: 'expiresAt' must be a text, and is a number"
                $"""{{"url":{json signedUrl},"expiresAt":"tomorrow"}}""",
                "invalid: 'expiresAt' must be a time such as 2026-05-01T12:00:00Z"
                """{"error":1}""", "invalid: 'error' must be an object with a 'message', and is a number"
                """{"error":{"message":1}}""", "invalid: 'error.message' must be a text, and is a number"
                """{"url":"\ud800"}""", "invalid: it holds a text that is not valid Unicode"
                String(' ', 65537), "invalid: it is longer than 65536 bytes"
            ]
            (fst >> parse >> word)
            snd

        testCase "a URL that no store can accept is named as one, without its query" (fun () ->
            for url in
                [
                    "ftp://h/k"
                    $"https://h/k?X-Amz-Signature={secret}&uploadId=1&partNumber=1&X-Amz-Algorithm=AWS4-HMAC-SHA256"
                    $"https://u:{secret}@h/k"
                    ""
                ] do
                match parse $"""{{"url":{json url}}}""" with
                | UrlResponse.Invalid defect ->
                    Expect.stringContains defect "its 'url' cannot be used" url
                    Expect.isFalse (defect.Contains secret) defect
                | other -> failtestf "%s: %A" url other)

        testCase
            "no part of a secret is left where its name precedes it, or where a long reason is cut"
            (fun () ->
                for secret in
                    [
                        "abcdefgh12&3456ijklmnop"
                        "abcdefgh12 3456ijklmnop"
                        "abcdefgh12;3456ijklmnop"
                    ] do
                    for text in [ $"token={secret}"; $"token: {secret} is old"; String('x', 500) + secret ] do
                        let body = $"""{{"error":{{"message":{json text}}}}}"""

                        match UrlResponse.parse [ secret ] (ReadOnlyMemory(Encoding.UTF8.GetBytes body)) with
                        | UrlResponse.Refused reason ->
                            for part in [ "abcdefgh"; "3456ijkl" ] do
                                Expect.isFalse (reason.Contains part) reason
                        | other -> failtest $"{other}")

        propertyTimes
            1000
            "a response is read without an exception, whatever it is, and no defect holds a secret"
            (Gen.frequency [ 3, anyJson; 1, anyText ])
            (fun text ->
                match parse text with
                | UrlResponse.Granted grant -> Expect.isFalse ((string grant).Contains secret) "masked"
                | UrlResponse.Refused text
                | UrlResponse.Invalid text -> Expect.isFalse (text.Contains secret) text)

        propertyTimes
            300
            "bytes that are no text are no response"
            (Gen.choose (0, 255) |> Gen.map byte |> Gen.arrayOf)
            (fun bytes ->
                match UrlResponse.parse [] (ReadOnlyMemory bytes) with
                | UrlResponse.Granted _ -> failtest "a URL from noise"
                | _ -> ())
    ]

let private reply status (body: string) : BrokerReply = {
    Status = status
    RetryAfter = None
    ContentType = Some "application/json"
    Body = ReadOnlyMemory(Encoding.UTF8.GetBytes body)
}

let private verdict token (reply: BrokerReply) =
    match BrokerVerdict.ofReply "the broker" [ secret ] token noon reply with
    | BrokerVerdict.Granted _ -> "granted"
    | BrokerVerdict.Later(reason, after) -> $"later {after.TotalSeconds}: {reason}"
    | BrokerVerdict.RenewToken reason -> $"renew: {reason}"
    | BrokerVerdict.Refused reason -> $"refused: {reason}"

let private refusal = """{"error":{"message":"cell-9 is not yours"}}"""

let private html = {
    reply 200 "<!doctype html><p>Sign in" with
        ContentType = Some "text/html"
}

[<Tests>]
let broker =
    testList "the response of a broker" [
        table
            "says what follows"
            [
                reply 200 $"""{{"url":{json signedUrl}}}""", "granted"
                reply 201 $"""{{"url":{json signedUrl}}}""", "granted"
                reply 200 refusal, "refused: the broker refused to give a URL: \"cell-9 is not yours\""
                reply 200 "x",
                "refused: the broker answered HTTP 200 but its response does not follow the protocol: it is not valid JSON"
                reply 204 "",
                "refused: the broker answered HTTP 204 but its response does not follow the protocol: it is empty"
                html,
                "refused: the broker answered HTTP 200 with an HTML page: a proxy or a portal may have answered in its place"
                reply 302 "",
                "refused: the broker answered HTTP 302; redirects are not followed. Set the broker's final address"
                reply 400 refusal, "refused: the broker answered HTTP 400 (\"cell-9 is not yours\")"
                reply 401 refusal, "renew: the broker answered HTTP 401 (\"cell-9 is not yours\")"
                reply 403 refusal,
                "refused: the broker answered HTTP 403 (\"cell-9 is not yours\"): it does not allow this object. Ask the broker's administrator which cells and key prefixes the token is for"
                reply 404 "",
                "refused: the broker answered HTTP 404. Check the broker's address, its path too"
                { html with Status = 405 }, "refused: the broker answered HTTP 405 with an HTML page"
                reply 408 "", "later 0: the broker answered HTTP 408"
                {
                    reply 429 refusal with
                        RetryAfter = Some "7"
                },
                "later 7: the broker answered HTTP 429 (\"cell-9 is not yours\")"
                {
                    reply 503 "" with
                        RetryAfter = Some "Sun, 01 Mar 2026 12:00:09 GMT"
                },
                "later 9: the broker answered HTTP 503"
                { html with Status = 502 }, "later 0: the broker answered HTTP 502 with an HTML page"
                // Its body is not read for a URL.
                reply 500 $"""{{"url":{json signedUrl}}}""", "later 0: the broker answered HTTP 500"
                reply 403 $"""{{"error":{{"message":"no: {secret}"}}}}""",
                "refused: the broker answered HTTP 403 (\"no: REDACTED\"): it does not allow this object. Ask the broker's administrator which cells and key prefixes the token is for"
            ]
            (fst >> verdict BrokerTokenUse.Read)
            snd

        testCase "401 is asked again once, with the token that was read again" (fun () ->
            Expect.stringStarts (verdict BrokerTokenUse.Read (reply 401 "")) "renew" "the first"

            Expect.stringContains
                (verdict BrokerTokenUse.ReadAgain (reply 401 ""))
                "also with the token that was read again"
                "the second"

            Expect.stringContains
                (verdict BrokerTokenUse.Absent (reply 401 ""))
                "CELLOS_EXPORT_S3_BROKER_TOKEN_FILE__"
                "without a token")

        table
            "a fault of the network may pass, where it may for a store"
            [
                FaultKind.ConnectionRefused, true
                FaultKind.RequestTimeout, true
                FaultKind.NameResolution, true
                FaultKind.CertificateUntrusted, false
                FaultKind.NotTls, false
            ]
            (fun (kind, _) -> (BrokerVerdict.ofFault "b" [ secret ] kind $"x {secret}").IsLater)
            snd

        propertyTimes
            500
            "every status has a verdict without a secret, and only a success is a URL"
            (Gen.zip3 (Gen.choose (0, 999)) anyJson (Gen.optionOf anyText))
            (fun (status, body, retryAfter) ->
                let reply = {
                    reply status body with
                        RetryAfter = retryAfter
                }

                match BrokerVerdict.ofReply "b" [ secret ] BrokerTokenUse.Read noon reply with
                | BrokerVerdict.Granted _ -> Expect.isTrue (status >= 200 && status <= 299) "a success"
                | BrokerVerdict.Later(reason, after) ->
                    Expect.isTrue (after >= TimeSpan.Zero) "not in the past"
                    Expect.isFalse (reason.Contains secret) reason
                | BrokerVerdict.RenewToken reason
                | BrokerVerdict.Refused reason -> Expect.isFalse (reason.Contains secret) reason)

        table
            "a token is one word"
            [
                " abc.DEF-1/2==\n", Some "abc.DEF-1/2=="
                "", None
                " \n", None
                "a b", None
                "a\nb", None
                "Bearer abc", None
                "ü", None
            ]
            (fun (text, _) -> BrokerToken.parse text |> Result.toOption)
            snd

        propertyTimes 200 "no message on a token contains it" anySecret (fun secret ->
            match BrokerToken.parse $"{secret} {secret}" with
            | Ok _ -> failtest "two words"
            | Error refusal -> Expect.isEmpty (holds [ secret ] refusal.Message) refusal.Message)
    ]

/// A word as POSIX shells quote it.
let private quoted (word: string) = "'" + word.Replace("'", "'\\''") + "'"

[<Tests>]
let commands =
    testList "a URL command" [
        table
            "is read as a shell would read its words"
            [
                "a b", [ "a"; "b" ]
                "  a \t b\n", [ "a"; "b" ]
                "a'b'\"c\"d", [ "abcd" ]
                "a ''", [ "a"; "" ]
                "a \"\"", [ "a"; "" ]
                "a 'x  y'", [ "a"; "x  y" ]
                "a \"x \\\" \\\\ y\"", [ "a"; "x \" \\ y" ]
                "a \"\\x\"", [ "a"; "\\x" ]
                "a 'x\\'", [ "a"; "x\\" ]
                "a x\\ y", [ "a"; "x y" ]
                "a \\$HOME '$HOME' \"\\$HOME\"", [ "a"; "$HOME"; "$HOME"; "$HOME" ]
                "sh -c 'a | b > c'", [ "sh"; "-c"; "a | b > c" ]
                "a *.txt #x", [ "a"; "*.txt"; "#x" ]
            ]
            (fun (line, _) -> UrlCommand.words line |> Result.defaultValue [ "refused" ])
            snd

        table
            "is refused where a shell would have to act"
            [
                for line in
                    [
                        ""
                        " "
                        "''"
                        "'a"
                        "\"a"
                        "a\\"
                        "a | b"
                        "a > b"
                        "a < b"
                        "a; b"
                        "a & b"
                        "a $X"
                        "a `b`"
                        "(a)"
                        "a \"$X\""
                        "a \"`b`\""
                        "~/bin/a"
                        "a \000"
                    ] -> line, true
            ]
            (fun (line, _) -> (UrlCommand.parse line).IsError)
            snd

        propertyTimes
            500
            "quoted words are the words again"
            (Gen.nonEmptyListOf (anyText |> Gen.map (fun text -> text.Replace("\000", ""))))
            (fun words ->
                Expect.equal
                    (words |> List.map quoted |> String.concat " " |> UrlCommand.words)
                    (Ok words)
                    "the same")

        propertyTimes
            500
            "any text gives words or a refusal that does not quote arguments"
            (Gen.zip anyText anySecret)
            (fun (text, secret) ->
                match UrlCommand.parse $"presign {quoted secret} {text}" with
                | Ok command -> Expect.isEmpty (holds [ secret ] (string command)) "arguments are not shown"
                | Error refusal -> Expect.isEmpty (holds [ secret ] refusal.Message) refusal.Message)
    ]

let private binding (target: Target) = { target with BindDigest = true }

let private delayed (time: int) seconds =
    Input.UrlDelayed(at time, 0.5, "the broker is busy", TimeSpan.FromSeconds(float seconds))

let private grantOf (url: string) headers expires = {
    Url = parsed url
    Headers = pairs headers
    ExpiresAt = expires
}

let private granted (time: int) url headers =
    Input.UrlGranted(at time, grantOf url headers None)

let private signing (names: string) =
    (v4 3600).Replace("SignedHeaders=host", $"SignedHeaders={names}")

let private sha256Of = (digestsOf [ DigestAlgorithm.Sha256 ]).Head.Base64
let private otherSha256 = Convert.ToBase64String(Array.zeroCreate<byte> 32)

let private put (turns: Turn list) =
    puts turns
    |> List.map (fun (_, put) ->
        put.Headers
        |> List.map (fun header -> $"{header.Name}: {RequestHeader.reveal header}")
        |> String.concat ", ")

let private bound = UrlRequest.bound

let private taken (time: int) =
    Input.DigestsTaken(at time, digestsOf bound)

[<Tests>]
let machine =
    testList "the push machine and a source of URLs" [
        story
            "that is busy is asked again after the backoff"
            (asked same)
            [
                started
                delayed 10 0
                woke 510
                Input.UrlGiven(at 520, parsed (v4 3600))
                attempted 600 stored
            ] [ "ask 1"; "wait 510"; "ask 1"; "put 1"; "done etag-md5" ] []

        story "that asks for time gets it" (asked same) [ started; delayed 0 7; woke 6999; woke 7000 ] [
            "ask 1"
            "wait 7000"
            "wait 7000"
            "ask 1"
        ] []

        story "that asks for more time than the cap gets the cap" (asked same) [ started; delayed 0 3600 ] [
            "ask 1"
            "wait 20000"
        ] []

        for cap, words in [ 20000, "20 s"; 10, "10 ms" ] do
            story
                $"that asks for more time than the cap of {words} ends the push with both times in the message"
                (asked (retrying 1 0 cap))
                [ started; delayed 0 3600 ] [ "ask 1"; "Unavailable" ] [
                    $"there was no URL: the broker is busy; the source of the URL asks to wait 1 h, and the longest wait is {words}"
                ]

        story
            "that stays busy ends the push as unavailable after as many questions as attempts"
            (asked (retrying 2 0 0))
            [ started; delayed 1 0; delayed 2 0 ] [ "ask 1"; "ask 1"; "Unavailable" ] [
                "there was no URL: the broker is busy"
                "No attempt was made"
                "Export again later"
            ]

        story "that is busy past the deadline" (asked (within 5000)) [ started; delayed 0 6 ] [
            "ask 1"
            "DeadlineExceeded"
        ] [
            "passed before there was a URL; last: the broker is busy; the source of the URL asks to wait 6 s"
        ]

        story
            "has its questions counted anew for the next URL"
            (asked (retrying 3 0 0))
            [
                started
                delayed 0 0
                delayed 0 0
                Input.UrlGiven(at 0, parsed (v4 60))
                attempted 1 (error 403 "ExpiredToken" "no")
                delayed 2 0
                delayed 2 0
                Input.UrlGiven(at 3, parsed (v4 3600))
            ] [ "ask 1"; "ask 1"; "ask 1"; "put 1"; "ask 2"; "ask 2"; "ask 2"; "put 2" ] []

        story
            "is not counted twice where a question is interrupted"
            (asked (retrying 2 0 0))
            [ started; woke 1; woke 2; woke 3; delayed 4 0; delayed 5 0 ] [
                "ask 1"
                "ask 1"
                "ask 1"
                "ask 1"
                "ask 1"
                "Unavailable"
            ] []

        testCase "a header that came with the URL is sent" (fun () ->
            let turns =
                feed (asked same) [
                    started
                    granted 0 (signing "host;x-amz-meta-run") [
                        "x-amz-meta-run", "42"
                        "Host", "evidence.s3.us-west-2.amazonaws.com"
                        "Content-Length", "3"
                    ]
                ]

            Expect.equal (put turns) [ "x-amz-meta-run: 42" ] "once")

        testCase "a media type that came with the URL is sent" (fun () ->
            let turns =
                feed (asked same) [
                    started
                    granted 0 (signing "content-type;host") [ "content-type", "text/plain" ]
                ]

            Expect.equal (put turns) [ "Content-Type: text/plain" ] "once")

        testCase "a header that the upload carries anyway may be listed" (fun () ->
            let turns =
                feed (asked writeOnce) [
                    started
                    granted 0 (signing "host;if-none-match") [ "if-none-match", "*" ]
                ]

            Expect.equal (put turns) [ "If-None-Match: *" ] "once")

        testCase "headers of a URL go with it" (fun () ->
            let turns =
                feed (asked same) [
                    started
                    granted 0 (signing "host;x-amz-meta-run") [ "x-amz-meta-run", "42" ]
                    attempted 1 (error 403 "ExpiredToken" "no")
                    granted 2 (v4 7200) []
                ]

            Expect.equal (put turns) [ "x-amz-meta-run: 42"; "" ] "not with the next URL")

        for name, headers, parts in
            [
                "that the signature does not cover", [ "x-amz-acl", secret ], [ "x-amz-acl" ]
                "of credentials", [ "Authorization", secret ], [ "Authorization"; "credential" ]
                "of framing", [ "Transfer-Encoding", "chunked" ], [ "belongs to the connection" ]
                "with another length", [ "Content-Length", "4" ], [ "Content-Length"; "the file's length" ]
                "with another host", [ "Host", secret ], [ "Host"; "the URL's host" ]
                "that no header can have", [ "a b", secret ], [ "header name" ]
            ] do
            story
                $"a header {name} ends the push before anything is sent"
                (asked same)
                [ started; granted 0 (v4 3600) headers ]
                [ "ask 1"; "UrlUnusable" ]
                ("Nothing was sent." :: parts)

        story
            "a header of the caller's with another value ends the push"
            (asked writeOnce)
            [
                started
                granted 0 (signing "host;if-none-match") [ "If-None-Match", secret ]
            ] [ "ask 1"; "UrlUnusable" ] [ "another value than the upload carries" ]

        testCase "no failure shows the value of a header that came with a URL" (fun () ->
            let turns =
                feed (asked (retrying 1 0 0)) [
                    started
                    granted 0 (signing "host;x-gateway-token") [ "x-gateway-token", secret ]
                    attempted 1 (error 403 "AccessDenied" $"not {secret}")
                ]

            Expect.isFalse ((failure turns).Message.Contains secret) (failure turns).Message)

        testCase "no failure shows the value of a header that came with an earlier URL" (fun () ->
            let turns =
                feed (asked (retrying 2 0 0)) [
                    started
                    granted 0 (signing "host;x-gateway-token") [ "x-gateway-token", secret ]
                    attempted 1 (error 403 "ExpiredToken" "no")
                    granted 2 (v4 7200) []
                    attempted 3 (error 403 "AccessDenied" $"not {secret}")
                ]

            Expect.isFalse ((failure turns).Message.Contains secret) (failure turns).Message)

        testCase "no receipt shows the value of a header that came with a URL" (fun () ->
            let turns =
                feed (asked (retrying 1 0 0)) [
                    started
                    granted 0 (signing "host;x-gateway-token") [ "x-gateway-token", secret ]
                    attempted 1 { stored with RequestId = Some secret }
                ]

            let json = Receipt.toJson (receipt turns)
            Expect.isFalse (json.Contains secret) json)

        story
            "a URL that its source says has expired is not used"
            (asked same)
            [
                started
                Input.UrlGranted(at 0, grantOf (v4 3600) [] (Some(noon.AddMinutes -16.)))
            ] [ "ask 1"; "UrlExpired" ] [ "expire" ]

        for hours in [ 0.; 14. ] do
            story
                $"a URL that its source says never expires, {hours} hours from UTC, is used"
                (asked same)
                [
                    started
                    Input.UrlGranted(
                        at 0,
                        grantOf
                            (v4 3600)
                            []
                            (Some(DateTimeOffset(DateTime.MaxValue, TimeSpan.FromHours hours)))
                    )
                ] [ "ask 1"; "put 1" ] []

        story
            "a URL that its source says expires while waiting is asked for anew"
            (asked (retrying 3 2000000 1))
            [
                started
                Input.UrlGranted(at 0, grantOf (v4 36000) [] (Some(noon.AddMinutes 1.)))
                attempted 0 busy
                woke 2000000
            ] [ "ask 1"; "put 1"; "wait 2000000"; "ask 2" ] []

        story
            "digests are taken before the question, and once"
            (asked (binding >> retrying 3 0 0))
            [
                started
                taken 1
                delayed 2 0
                Input.UrlGiven(at 3, parsed (v4 3600))
                attempted 4 (error 403 "ExpiredToken" "no")
            ] [ "sha256+md5+crc64nvme"; "ask 1"; "ask 1"; "put 1"; "ask 2" ] []

        testCase "digests go to the source of URLs where they are bound, and only there" (fun () ->
            let digestsIn change inputs =
                let turns = feed (asked change) inputs
                (Push.urlRequest (List.last turns).State 1).Digests

            Expect.equal (digestsIn binding [ started; taken 1 ]) (digestsOf bound) "bound"
            Expect.isEmpty (digestsIn same [ started ]) "not bound")

        testCase "a digest that the source signed is sent once" (fun () ->
            let turns =
                feed (asked binding) [
                    started
                    taken 1
                    granted 2 (signing "host;x-amz-checksum-sha256") [ "x-amz-checksum-sha256", sha256Of ]
                ]

            Expect.equal (put turns) [ $"x-amz-checksum-sha256: {sha256Of}" ] "once")

        story
            "a digest of other content that the source signed ends the push before anything is sent"
            (asked binding)
            [
                started
                taken 1
                granted 2 (signing "host;x-amz-checksum-sha256") [ "x-amz-checksum-sha256", otherSha256 ]
            ] [ "sha256+md5+crc64nvme"; "ask 1"; "UrlUnusable" ] [ "other content"; sha256Of; otherSha256 ]

        story
            "a digest that the source signed without being told is held against the file"
            (asked same)
            [
                started
                granted 2 (signing "host;x-amz-checksum-sha256") [ "x-amz-checksum-sha256", otherSha256 ]
                Input.DigestsTaken(at 3, digestsOf [ DigestAlgorithm.Sha256 ])
            ] [ "ask 1"; "sha256"; "UrlUnusable" ] [ "other content" ]

        story
            "content that changed after its digests were bound is no success"
            (asked binding)
            [
                started
                Input.DigestsTaken(
                    at 1,
                    Outcomes.otherDigests |> List.filter (fun d -> List.contains d.Algorithm bound)
                )
                Input.UrlGiven(at 2, parsed (v4 3600))
                attempted 3 stored
            ] [ "sha256+md5+crc64nvme"; "ask 1"; "put 1"; "SourceChanged" ] [ "changed" ]

        story
            "a file that cannot be read is reported before a URL is asked for"
            (asked binding)
            [
                started
                Input.NoSource(at 1, Fault.Create(FaultKind.SourceUnreadable, "bad disk", 0L))
            ] [ "sha256+md5+crc64nvme"; "SourceUnreadable" ] [ "bad disk" ]

        propertyTimes
            300
            "no source of URLs is asked more often than there are attempts, nor past the deadline, and delays never end in a receipt"
            (Gen.zip3
                (Gen.choose (1, 5))
                (Gen.optionOf (Gen.choose (1, 5000)))
                (Gen.listOfLength 20 (Gen.zip (Gen.choose (0, 900)) (Gen.choose (-5, 40)))))
            (fun (attempts, deadline, delays) ->
                let change =
                    retrying attempts 100 20000
                    >> match deadline with
                       | Some deadline -> within deadline
                       | None -> id

                let mutable turns = feed (asked change) [ started ]
                let mutable inputs = [ started ]

                for took, seconds in delays do
                    let last = List.last turns

                    let next =
                        match last.Output with
                        | Output.Wait until -> Some(Input.Woke until)
                        | Output.AskUrl _ ->
                            Some(
                                Input.UrlDelayed(
                                    last.Now + ms took,
                                    0.5,
                                    "busy",
                                    TimeSpan.FromSeconds(float seconds)
                                )
                            )
                        | _ -> None

                    match next with
                    | Some input ->
                        inputs <- inputs @ [ input ]
                        turns <- feed (asked change) inputs
                    | None -> ()

                let asks = turns |> List.filter _.Output.IsAskUrl |> List.length
                Expect.isTrue (asks <= attempts) "questions"

                for turn in turns do
                    match turn.Output, deadline with
                    | Output.Wait until, Some deadline ->
                        Expect.isLessThan until (noon + ms deadline) "within the deadline"
                    | _ -> ()

                    match turn.Output with
                    | Output.Wait until -> Expect.isTrue (until - turn.Now <= ms 20000) "within the cap"
                    | _ -> ()

                match (List.last turns).Output with
                | Output.Failed failure ->
                    Expect.contains
                        [ FailureKind.Unavailable; FailureKind.DeadlineExceeded ]
                        failure.Kind
                        "temporary"
                | output -> failtestf "%A" output)
    ]
