/// What a failure says of its cause, and what to do: by the responses that stores, proxies and gateways send.
module CellOS.Export.S3.Core.Tests.FailureAdviceTests

open System
open System.Collections.Generic
open System.IO
open System.Text
open System.Text.RegularExpressions
open Expecto
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.UrlGenerators
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.Driver
open CellOS.Export.S3.Core.Tests.Stories
open CellOS.Export.S3.Core.Tests.Responses

let private http =
    plan (Some "http://s3.example/evidence/cell-1/logs/out.txt?X-Amz-Signature=q1w2e3r4t5y6u7i8")

let private named (change: Target -> Target) (target: Target) =
    change {
        target with
            Name = TargetName.create "artifact-bucket" |> Result.toOption
    }

let private failed plan (reply: Reply) =
    failure (feed plan [ started; attempted 1 reply ])

let private one = named (retrying 1 0 0)

/// A response, a part of the message for each thing that it must say, and parts that it must not contain.
let private says name plan reply (parts: string list) (never: string list) =
    testCase name (fun () ->
        let message = (failed plan reply).Message

        for part in parts do
            Expect.stringContains message part "it says"

        for part in never do
            Expect.isFalse
                (message.Contains(part, StringComparison.OrdinalIgnoreCase))
                $"not '{part}': {message}")

[<Tests>]
let missingHeaders =
    testList "The advice on a missing header" [
        for header, parts, never in
            [
                "x-amz-server-side-encryption",
                [
                    "signed with x-amz-server-side-encryption"
                    "push --header 'x-amz-server-side-encryption: VALUE'"
                ],
                [ "Send the header that the store asks for" ]
                "x-amz-date", [ "Ask the presigner for a URL that is signed with x-amz-date" ], []
                "X-Amz-Content-SHA256",
                [ "Ask the presigner for a URL that is signed with X-Amz-Content-SHA256" ],
                []
                "x-amz-security-token", [ "push --header does not accept"; "Ask the presigner" ], []
                "Authorization", [ "push --header does not accept"; "Ask the presigner" ], []
                "Content-Length", [ "always sends Content-Length"; "proxy or gateway" ], [ "push --header" ]
                "Content-MD5", [ "set ContentMd5" ], [ "push --header" ]
                "x-ms-blob-type", [ "push --header 'x-ms-blob-type: BlockBlob'" ], []
                "x-ms-version", [ "push --header 'x-ms-version: VALUE'" ], []
            ] do
            says
                $"says what works for {header}"
                (given one)
                (s3 400 "MissingRequiredHeader" [ "HeaderName", header ])
                parts
                never
    ]

[<Tests>]
let redirects =
    let wrongRegion = [ "region"; "another endpoint" ]

    let moved status location =
        response status [ "Location", location ] ""

    let html = [ "Content-Type", "text/html" ]

    testList "A redirect" [
        for location in
            [
                "https://login.portal.example/guest?url=http://x"
                "http://192.168.1.1/login.html"
                "https://sso.corp.example/adfs/ls/?wa=wsignin1.0"
                "https://gateway.example:1003/fgtauth?0123"
                // Longer than any header that is kept: the query is the URL that was asked for.
                "https://login.portal.example/?continue=" + String('x', 4000)
            ] do
            for status in [ 301; 302; 303; 307 ] do
                says
                    $"{status} to {location.Substring(0, 20)} ({location.Length}) is a sign-in"
                    (given one)
                    (moved status location)
                    [
                        "a sign-in page"
                        "If this machine has to sign in to its network, sign in"
                        (Uri location).Host
                        "check the proxy variables"
                    ]
                    wrongRegion

        says
            "302 with a page to another host is a sign-in"
            (given one)
            (response 302 (("Location", "https://10.0.0.1/x") :: html) "<html>Moved</html>")
            [ "a sign-in page"; "https://10.0.0.1/x" ]
            wrongRegion

        says
            "to https on the same host asks for https"
            (http one)
            (response
                301
                (("Location", "https://s3.example/evidence/cell-1/logs/out.txt?x=1") :: html)
                "<html>Moved</html>")
            [ "redirects the upload to https"; "Write https:// instead of http://" ]
            wrongRegion

        says
            "308 to https on the same host asks for https"
            (http one)
            (moved 308 "https://s3.example:443/evidence/cell-1/logs/out.txt")
            [ "Write https:// instead of http://" ]
            wrongRegion

        for location in
            [
                "https://evidence.s3.us-west-2.amazonaws.com/cell-1/logs/out.txt/"
                "/cell-1/logs/out.txt/"
                "/v2/cell-1/logs/out.txt"
            ] do
            says
                $"to {location} is another path on the same host"
                (given one)
                (response 301 [ "Location", location; "Server", "nginx" ] "")
                [ "another path on the same host"; "which path accepts PUT"; "(nginx)" ]
                wrongRegion

        says
            "without a target says so"
            (given one)
            (response 302 [ "Server", "squid" ] "")
            [ "does not say where to"; "Server: squid"; "No store answers so" ]
            wrongRegion

        says
            "to another host that is not a store's asks whether the store has moved"
            (given one)
            (moved 308 "https://objects.example/evidence/x")
            [ "to another host"; "moved to objects.example" ]
            wrongRegion

        for name, reply, part in
            [
                "PermanentRedirect",
                s3 301 "PermanentRedirect" [ "Endpoint", "evidence.s3.eu-west-1.amazonaws.com" ],
                "the endpoint is evidence.s3.eu-west-1.amazonaws.com"
                "TemporaryRedirect", s3 307 "TemporaryRedirect" [], "bucket's own region"
                "x-amz-bucket-region",
                response 301 [ "x-amz-bucket-region", "eu-west-1" ] "",
                "the bucket's region is eu-west-1"
                "an S3 host",
                moved 307 "https://evidence.s3.eu-west-1.amazonaws.com/cell-1/logs/out.txt?X-Amz-Signature=1",
                "the endpoint is evidence.s3.eu-west-1.amazonaws.com"
            ] do
            says $"with the facts of a store is one of region or endpoint: {name}" (given one) reply [
                part
                "Ask the presigner for a URL for the bucket's own region and endpoint"
            ] [ "sign in" ]
    ]

[<Tests>]
let gateways =
    testList "A response of a proxy or gateway" [
        for name, status, server, words in
            [
                "nginx", 400, "nginx/1.24.0", "400 The plain HTTP request was sent to HTTPS port"
                "Apache", 400, "Apache", "Reason: You're speaking plain HTTP to an SSL-enabled server port."
                "Tomcat", 400, "", "This combination of host and port requires TLS."
                "IIS",
                403,
                "Microsoft-IIS/10.0",
                "The page you are trying to access is secured with Secure Sockets Layer (SSL)."
                "Envoy", 426, "envoy", "TLS required"
            ] do
            says $"says that the port wants TLS: {name}" (http one) (page status server words) [
                "the server wants TLS"
                "Write https:// instead of http://"
            ] [ "bucket"; "proxy variables" ]

        says
            "says that the port wants TLS: Go"
            (http one)
            (response 400 [ "Content-Type", "text/plain" ] "Client sent an HTTP request to an HTTPS server.\n") [
                "the server wants TLS"
                "Write https:// instead of http://"
            ] [ "bucket" ]

        says "405 is not a store's endpoint" (given one) (page 405 "nginx" "405 Not Allowed") [
            "accepts no PUT"
            "website endpoint"
            "Server: nginx"
            "S3 endpoint"
        ] [ "refused the upload before it reached" ]

        for reply in
            [
                page 413 "nginx/1.24" "413 Request Entity Too Large"
                response 413 [ "Server", "nginx/1.24" ] ""
            ] do
            says $"413 names the limit of what answered ({reply.Body.IsSome})" (given one) reply [
                "to raise that limit"
                "(nginx/1.24)"
                "usually a proxy or gateway"
            ] [ "bucket" ]

        says "414 is about the URL" (given one) (page 414 "squid" "URI Too Long") [
            "The URL is too long for"
            "(squid)"
        ] []

        says "431 is about the headers" (given one) (page 431 "envoy" "Request Header Fields Too Large") [
            "The headers or the URL are too long for"
            "(envoy)"
        ] []

        says "411 is not about this program" (given one) (page 411 "squid" "Length Required") [
            "always sends Content-Length"
            "proxy or gateway"
        ] []

        says
            "501 without an error document is not a store's"
            (given one)
            (page 501 "SimpleHTTP/0.6" "Unsupported method ('PUT')") [ "does not know PUT"; "S3 endpoint" ] []

        for status in [ 400; 401; 403; 404 ] do
            says
                $"an empty {status} without a mark of a store is not blamed on key or bucket first"
                (given one)
                (response status [ "Server", "nginx"; "Via", "1.1 squid" ] "") [
                    "nothing in the response is a store's"
                    $"HTTP {status} without a body (Server: nginx, Via: 1.1 squid)"
                    "Look first for what answers in place of the store"
                ] [ "s3:PutObject"; "Create the bucket" ]

            says $"an empty {status} without any header either" (given one) (response status [] "") [
                "nothing in the response is a store's"
                "Look first for what answers"
            ] [ "s3:PutObject"; "Create the bucket" ]

        says
            "an empty 403 with a store's request id is a store's"
            (given one)
            (response 403 [ "x-amz-request-id", "R" ] "") [ "s3:PutObject" ] [ "nothing in the response" ]

        says
            "an empty 403 of a store that names itself is a store's"
            (given one)
            (response 403 [ "Server", "MinIO" ] "") [ "s3:PutObject" ] [ "nothing in the response" ]

        testCase "names the proxy that the request went through" (fun () ->
            let reply = {
                page 403 "filter" "Blocked" with
                    Proxy =
                        Some {
                            Authority = "proxy.example:3128"
                            Variable = Some "https_proxy"
                            HasCredentials = false
                        }
            }

            Expect.stringContains
                (failed (given one) reply).Message
                "Check the proxy proxy.example:3128 (https_proxy) and the URL's host"
                "the proxy and its variable")
    ]

[<Tests>]
let clocks =
    let date = "Date", "Sun, 01 Mar 2026 12:00:00 GMT"

    let notYet (headers: (string * string) list) message =
        response
            403
            ([ "x-amz-request-id", "REQ1" ] @ headers)
            $"<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>"

    let future =
        plan (
            Some
                "https://evidence.s3.us-west-2.amazonaws.com/cell-1/logs/out.txt?X-Amz-Date=20260301T140000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=q1w2e3r4t5y6u7i8"
        )

    testList "A refusal over clocks" [
        for message in [ "Request is not yet valid"; "Request is not valid yet" ] do
            says $"names all clocks: {message}" (future one) (notYet [ date ] message) [
                "the URL is valid from 2026-03-01 14:00:00Z"
                "the store's clock shows 2026-03-01 12:00:00Z"
                "this machine's clock shows 2026-03-01 12:00:00Z"
                "set the clock of the machine that presigns"
            ] [ "s3:PutObject" ]

        says
            "is seen where the store says no more than that access is denied"
            (future one)
            (notYet [ date ] "Access Denied") [
                "the URL is valid from"
                "set the clock of the machine that presigns"
            ] [ "s3:PutObject" ]

        says
            "blames the store's clock where presigner and this machine agree"
            (given one)
            (notYet [ "Date", "Sun, 01 Mar 2026 10:00:00 GMT" ] "Request is not yet valid") [
                "the store's clock shows 2026-03-01 10:00:00Z"
                "The store's clock and this machine's differ by 2 h"
                "tell the store's administrator"
            ] []

        says
            "asks for the presigner's clock where the store's and this machine's agree"
            (plan (Some((v4 7200).Replace("X-Amz-Date=20260301T120000Z", "X-Amz-Date=20260301T111500Z"))) one)
            (response
                403
                [ date ]
                "<Error><Code>RequestTimeTooSkewed</Code><Message>Too far.</Message></Error>") [
                "The store's clock and this machine's agree"
                "check the clock of the machine that presigns"
            ] [ "or of the store" ]

        says
            "shows the times that the store reports"
            (given one)
            (s3 403 "RequestTimeTooSkewed" [
                "RequestTime", "20260301T140000Z"
                "ServerTime", "2026-03-01T12:00:00Z"
            ]) [
                "RequestTime: 20260301T140000Z"
                "ServerTime: 2026-03-01T12:00:00Z"
                "Set the clock"
            ] []

        says "is not seen in a URL that is valid" (given one) (notYet [ date ] "Access Denied") [
            "s3:PutObject"
        ] [ "clock" ]
    ]

[<Tests>]
let codes =
    let once = given one

    let withRun =
        match PushPlan.withHeaders [ KeyValuePair("x-goog-meta-run", "42") ] (http one) with
        | Ok plan -> plan
        | Error refusal -> failwith $"{refusal}"

    testList "The advice on an error of a store" [
        for status, code, message, part in
            [
                400, "KMS.DisabledException", "arn is disabled.", "KMS key"
                400, "KMS.SomethingNew", "x", "KMS key"
                403,
                "AccessDenied",
                "not authorized to perform: kms:GenerateDataKey on resource",
                "kms:GenerateDataKey"
                400, "InvalidToken", "The provided token is malformed or otherwise invalid.", "session token"
                400, "AccessControlListNotSupported", "The bucket does not allow ACLs", "without x-amz-acl"
                411,
                "MissingContentLength",
                "You must provide the Content-Length",
                "always sends Content-Length"
                400, "InvalidStorageClass", "x", "x-amz-storage-class"
                404, "ObjectLockConfigurationNotFoundError", "x", "x-amz-object-lock-"
                400, "InvalidRequest", "Bucket is missing Object Lock Configuration", "x-amz-object-lock-"
                403, "AccountProblem", "x", "owner of the account"
                403, "AllAccessDisabled", "x", "owner of the account"
                409, "InvalidBucketState", "x", "state that accepts no upload"
                400,
                "InvalidRequest",
                "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.",
                "SSE-C needs algorithm, key and key MD5"
                400,
                "InvalidArgument",
                "x-amz-server-side-encryption header is not supported",
                "Encryption headers"
                400, "EntityTooLarge", "x", "5 GiB"
                400, "KeyTooLongError", "x", "1,024 bytes"
                403, "TooManyRequests", "x", "asks for fewer requests"
                405, "MethodNotAllowed", "x", "website endpoint"
                400, "XAmzContentChecksumMismatch", "x", "another checksum"
                501,
                "NotImplemented",
                "A header implies functionality that is not implemented",
                "does not support something"
                412, "PreconditionFailed", "x", "which condition failed"
                400, "InvalidArgument", "x", "The store's words say"
                404, "NoSuchKey", "x", "the right host and bucket"
            ] do
            testCase $"is that of {status} {code} ({message.Substring(0, min 30 message.Length)})" (fun () ->
                let message = (failed once (s3 status code [ "Message", message ])).Message
                Expect.stringContains message part "its own advice"
                Expect.isFalse (message.Contains "Another attempt would end in the same way") message)

        says
            "names write-once where a store does not implement it"
            (given (one >> writeOnce))
            (s3 501 "NotImplemented" [ "Header", "If-None-Match" ]) [
                "Header: If-None-Match"
                "Turn CELLOS_EXPORT_S3_WRITE_ONCE__ARTIFACT_BUCKET (in code: WriteOnce) off"
                "use a store that supports it"
            ] []

        says
            "names write-once where a store rejects its header"
            (given (one >> writeOnce))
            (s3 400 "InvalidArgument" [ "ArgumentName", "If-None-Match" ]) [
                "ArgumentName: If-None-Match"
                "write-once"
            ] []

        for parameter in [ "X-Goog-Date"; "x-goog-expires"; "X-Goog-Credential" ] do
            says
                $"names the parameter that Google Cloud Storage rejects: {parameter}"
                once
                (s3 400 "MalformedSecurityHeader" [
                    "ParameterName", parameter
                    "Details", "Input was not in the correct format"
                ]) [ $"The URL's {parameter} is missing, wrong or not valid now"; "presigner" ] [
                    "push --header"
                ]

        says
            "names a signed header of Google Cloud Storage that no upload sends"
            once
            (s3 400 "MalformedSecurityHeader" [
                "ParameterName", "transfer-encoding"
                "Details", "Header was included in signedheaders, but not in the request."
            ]) [
                "The URL was signed with the header 'transfer-encoding'"
                "signed without it"
            ] [ "clock" ]

        says
            "names a signed date of Google Cloud Storage as the header that it is"
            once
            (s3 400 "MalformedSecurityHeader" [
                "ParameterName", "x-goog-date"
                "Details", "Header was included in signedheaders, but not in the request."
            ]) [ "x-goog-date" ] [ "clock" ]

        says
            "names the signed header that Google Cloud Storage misses"
            once
            (s3 400 "MalformedSecurityHeader" [
                "ParameterName", "x-goog-meta-run"
                "Details", "Header was included in signedheaders, but not in the request."
            ]) [ "push --header 'x-goog-meta-run: VALUE'" ] []

        says
            "names a header of this push that the signature of Google Cloud Storage does not cover"
            withRun
            (s3 400 "MalformedSecurityHeader" [
                "ParameterName", "x-goog-meta-run"
                "Details", "Header was included in request, but not in signedheaders."
            ]) [
                "the signature does not cover (x-goog-meta-run)"
                "remove it from push --header"
            ] [ "Ask the presigner for the value" ]

        says
            "does not ask for a header that was sent"
            withRun
            (s3 400 "MissingRequiredHeader" [ "HeaderName", "X-Goog-Meta-Run" ]) [
                "The request had the header X-Goog-Meta-Run, and it did not arrive"
                "removes headers"
            ] [ "push --header" ]

        says
            "shows sizes"
            once
            (s3 400 "EntityTooLarge" [ "ProposedSize", "6442450944"; "MaxSizeAllowed", "5368709120" ]) [
                "ProposedSize: 6442450944"
                "MaxSizeAllowed: 5368709120"
            ] []

        testCase "is in the operators' document for every code, and is not the general one" (fun () ->
            let document =
                File.ReadAllText(
                    Path.Combine(__SOURCE_DIRECTORY__, "..", "..", "..", "docs", "troubleshooting.md")
                )

            let rows =
                document.Split '\n'
                |> Array.skipWhile (fun line -> not (line.StartsWith "| Code |"))
                |> Array.takeWhile _.StartsWith("|")
                |> Array.skip 2
                |> Array.map (fun line -> line.Trim('|').Split '|' |> Array.map _.Trim())

            let quoted (cell: string) = [
                for found in Regex.Matches(cell, "`([^`]+)`") -> found.Groups[1].Value
            ]

            let listed = rows |> Seq.collect (fun row -> quoted row[0]) |> Set.ofSeq

            for code in CodeAdvice.codes do
                Expect.isTrue (listed.Contains code) $"{code} is in the table of docs/troubleshooting.md"

            for row in rows do
                let words = Regex.Match(row[0], "with \"([^\"]+)\"").Groups[1].Value
                let status = int (row[1].Split(',')[0])

                if row[2] = "**ends**" && status >= 400 then
                    for code in quoted row[0] do
                        let message = (failed once (s3 status code [ "Message", words ])).Message

                        for general in
                            [ "The store's words say what it rejects"; "Another attempt would end" ] do
                            Expect.isFalse (message.Contains general) $"{code}: {message}")
    ]

[<Tests>]
let waits =
    let busyFor (wait: string) =
        response 503 [ "Retry-After", wait; "x-amz-request-id", "R" ] ""

    testList "A wait that the store asks for" [
        says
            "is shown where it is longer than the longest wait and ends the push"
            (given (named (retrying 1 0 20000)))
            (busyFor "3600") [
                "the server asks to wait 1 h, and the longest wait is 20 s"
                "Export again after 2026-03-01 13:00:00Z"
                "CELLOS_EXPORT_S3_RETRY_MAX_BACKOFF_MS__ARTIFACT_BUCKET"
            ] []

        says
            "is shown where it is a date"
            (given (named (retrying 1 0 20000)))
            (busyFor "Sun, 01 Mar 2026 14:30:00 GMT") [ "the server asks to wait 2 h" ] []

        says "is shown where it is short" (given (named (retrying 1 0 20000))) (busyFor "7") [
            "the server asks to wait 7 s"
        ] [ "longest wait" ]

        says
            "is shown where the deadline leaves no time for it"
            (given (named (retrying 3 0 20000) >> within 5000))
            (busyFor "3600") [ "the deadline of 5 s"; "the server asks to wait 1 h" ] []

        says
            "is not invented"
            (given (named (retrying 1 0 20000)))
            (response 503 [ "x-amz-request-id", "R" ] "") [ "Export again later" ] [ "asks to wait" ]
    ]

[<Tests>]
let proxies =
    let hop = {
        Authority = "proxy.example:3128"
        Variable = Some "HTTPS_PROXY"
        HasCredentials = true
    }

    let behindHop hop kind (status: int option) =
        let fault = {
            Fault.Create(kind, "DETAIL", 0L) with
                Proxy = Some hop
                ProxyStatus = status
        }

        (failure (feed (given one) [ started; Input.Attempted(at 100, 0.5, Outcome.NotSent fault) ])).Message

    let behind = behindHop hop

    testList "A fault on the way through a proxy" [
        for hasCredentials, part, never in
            [
                true, "Check user name and password in the proxy's URL (HTTPS_PROXY)", "has none"
                false, "its URL (HTTPS_PROXY) has none", "Check user name"
            ] do
            testCase $"says what a 407 asks for; credentials given: {hasCredentials}" (fun () ->
                let message =
                    behindHop
                        {
                            hop with
                                HasCredentials = hasCredentials
                        }
                        FaultKind.Proxy
                        (Some 407)

                Expect.stringContains message part "what to do"
                Expect.isFalse (message.Contains never) message)

        for kind, status in
            [
                FaultKind.NameResolution, None
                FaultKind.ConnectionRefused, None
                FaultKind.ConnectTimeout, None
                FaultKind.TlsTimeout, None
                FaultKind.ProxyTlsTimeout, None
                FaultKind.ProxyNotTls, None
                FaultKind.Proxy, None
                for status in [ 403; 407; 502; 503; 504 ] do
                    FaultKind.Proxy, Some status
                FaultKind.ConnectionReset, None
                FaultKind.ConnectionClosed, None
                FaultKind.InvalidReply, None
            ] do
            testCase $"names the variable of the proxy: {kind} {status}" (fun () ->
                let message = behind kind status
                Expect.stringContains message "HTTPS_PROXY" "the variable"
                Expect.isFalse (message.Contains "Check the URL's host and port") message
                Expect.isFalse (message.Contains "HTTP_PROXY or ALL_PROXY") message)
    ]

[<Tests>]
let tls =
    let broken kind =
        (failure (
            feed (given one) [
                started
                Input.Attempted(at 10000, 0.5, Outcome.NotSent(Fault.Create(kind, "DETAIL", 0L)))
            ]
        ))
            .Message

    testList "A failed TLS handshake" [
        testCase "that does not end in time is one, not a missing connection" (fun () ->
            let message = broken FaultKind.TlsTimeout
            Expect.stringContains message "there was no TLS handshake within 10 s: DETAIL" "what happened"
            Expect.stringContains message "CELLOS_EXPORT_S3_CONNECT_TIMEOUT_MS" "the setting"
            Expect.stringContains message "port" "what to check"
            Expect.isFalse (message.Contains "no connection") message)

        for kind in [ FaultKind.TlsHandshake; FaultKind.NotTls ] do
            testCase $"is called one: {kind}" (fun () ->
                let message = broken kind
                Expect.stringContains message "there was no TLS connection: DETAIL" "what happened"
                Expect.stringContains message "scheme and port of the URL" "what to check"
                Expect.isFalse (message.Contains "the connection failed") message)
    ]
