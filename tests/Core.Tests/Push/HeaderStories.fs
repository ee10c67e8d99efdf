/// Stories of headers that a caller asks for, and of the signatures that cover them or do not.
module CellOS.Export.S3.Core.Tests.HeaderStories

open System
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

let private ok result =
    match result with
    | Ok value -> value
    | Error problems -> failwithf "A wrong header: %A" problems

let private general (headers: (string * string) list) (target: Target) = {
    target with
        Headers = ok (RequestHeaders.create (pairs headers))
}

let private withHeaders (headers: (string * string) list) (plan: PushPlan) =
    ok (PushPlan.withHeaders (pairs headers) plan)

let private signing (names: string) =
    (v4 3600).Replace("SignedHeaders=host", $"SignedHeaders={names}")

let private named (target: Target) = {
    target with
        Name = TargetName.create "worm" |> Result.toOption
}

let private toPair struct (state, output) = state, output

let private key = "c2VjcmV0LWtleS1vZi0zMi1ieXRlcy1mb3Itc3NlLWM="

/// The headers of each request, one after the other.
let private sentIn (turns: Turn list) =
    puts turns
    |> List.map (fun (_, put) ->
        put.Headers
        |> List.map (fun header -> $"{header.Name}: {RequestHeader.reveal header}")
        |> String.concat ", ")

let private draft (url: string) (headers: (string * string) list) : TargetDraft = {
    Name = null
    CellId = "cell-1"
    Bucket = "evidence"
    KeyPrefix = null
    Region = null
    Url = url
    UrlSources = 0
    RetryMode = RetryMode.Fixed
    MaxAttempts = 3
    Backoff = ms 500
    MaxBackoff = ms 20000
    Limits = Limits.defaults
    Integrity = IntegrityMode.Verify
    ContentMd5 = false
    WriteOnce = false
    AcceptUnmarked = false
    KeyCheck = true
    BindDigest = false
    ExpectContinueFrom = None
    MaxObjectBytes = 1000L
    Headers = pairs headers
}

[<Tests>]
let tests =
    testList "headers of the caller's" [
        story
            "that are signed are sent"
            (plan
                (Some(signing "cache-control;host;x-amz-meta-run"))
                (general [ "X-Amz-Meta-Run", "42"; "Cache-Control", "no-store" ]))
            [ started; attempted 9 stored ] [ "put 1"; "done etag-md5" ] []

        story
            "that the signature does not cover end the push before it begins"
            (given (general [ "X-Amz-Acl", "private"; "x-amz-meta-run", "42" ]))
            [ started ] [ "UrlUnusable" ] [
                "does not cover 'x-amz-acl' and 'x-amz-meta-run'"
                "Ask the presigner to sign it"
                "Nothing was sent"
            ]

        story
            "may go unsigned where S3 does not mind"
            (given (general [ "Cache-Control", "no-store"; "X-Run", "42" ]))
            [ started ] [ "put 1" ] []

        story
            "pass a gateway, and SigV2, which names none"
            (plan
                (Some "https://gateway.example/k?token=q1w2e3r4t5y6u7i8")
                (general [ "x-amz-acl", "private" ]))
            [ started ] [ "put 1" ] []

        story
            "pass SigV2, which covers all and names none"
            (plan
                (Some
                    "https://h.example/cell-1/logs/out.txt?AWSAccessKeyId=AKIA1234567890&Signature=q1w2e3r4t5y6u7i8&Expires=1772370000")
                (general [ "x-amz-acl", "private" ]))
            [ started ] [ "put 1" ] []

        story
            "that the presigner put into the query are signed there, and not as headers"
            (plan
                (Some(v4 3600 + "&x-amz-Server-Side-Encryption=AES256"))
                (general [ "x-amz-server-side-encryption", "AES256" ]))
            [ started ] [ "UrlUnusable" ] [ "in its query"; "unhoistable" ]

        story
            "that only a later URL covers are told by the first that does not"
            (asked (general [ "x-amz-meta-run", "42" ]))
            [
                started
                Input.UrlGiven(at 1, parsed (signing "host;x-amz-meta-run"))
                attempted 2 (error 403 "ExpiredToken" "expired")
                Input.UrlGiven(at 3, parsed (v4 3600))
            ] [ "ask 1"; "put 1"; "ask 2"; "UrlUnusable" ] [ "'x-amz-meta-run'"; "1 attempt" ]

        story
            "of the artifact's own are held against the URL as well"
            (given same |> withHeaders [ "x-amz-meta-run", "42" ])
            [ started ] [ "UrlUnusable" ] [ "'x-amz-meta-run'" ]

        story
            "that are signed and not supplied are told with how to supply them"
            (plan (Some(signing "content-type;host;if-none-match;x-amz-meta-run")) named)
            [ started ] [ "UrlUnusable" ] [
                "'content-type' and 'if-none-match' and 'x-amz-meta-run'"
                "ContentType (push --header)"
                "WriteOnce (CELLOS_EXPORT_S3_WRITE_ONCE__WORM=1)"
                "push --header (in code: Headers)"
                "or ask the presigner for a URL without it"
            ]

        story
            "that are signed and nobody may supply are told as such"
            (plan (Some(signing "host;traceparent")) named)
            [ started ] [ "UrlUnusable" ] [
                "('traceparent')"
                "request; ask the presigner for a URL without it"
            ]

        story
            "that satisfy the signature are all that it takes"
            (plan (Some(signing "content-type;host;if-none-match;x-amz-meta-run")) writeOnce
             |> PushPlan.withContentType "text/plain"
             |> Result.defaultWith (fun refusal -> failwith refusal.Message)
             |> withHeaders [ "x-amz-meta-run", "42" ])
            [ started; attempted 9 stored ] [ "put 1"; "done etag-md5" ] []

        for scheme, host, words in
            [
                "http", "minio.example:9000", [ "UrlUnusable" ]
                "HTTP", "10.0.0.1", [ "UrlUnusable" ]
                "https", "minio.example:9000", [ "put 1" ]
                "http", "127.0.0.1:9000", [ "put 1" ]
                "http", "localhost", [ "put 1" ]
            ] do
            story
                $"with a customer's key over {scheme} to {host}"
                (plan (Some $"{scheme}://{host}/k") (general [ customerKey, key ]))
                [ started ]
                words
                [ "in the clear"; "Use https" ]

        testCase "are told when the sink is built, where its URL is known" (fun () ->
            let refusals url headers =
                match TargetDraft.check (draft url headers) with
                | Ok _ -> []
                | Error refusals -> refusals |> List.map _.Message

            for url in [ v4 3600; (v4 3600).Replace("/k?", "/{artifact_name}?") ] do
                let message =
                    List.exactlyOne (refusals url [ "X-Amz-Acl", "private"; "Cache-Control", "a" ])

                Expect.stringContains message "does not cover 'x-amz-acl'" "which"
                Expect.isFalse (message.Contains "q1w2e3r4t5y6u7i8") "no secret"

            Expect.isEmpty (refusals (signing "host;x-amz-acl") [ "X-Amz-Acl", "private" ]) "covered"
            Expect.isEmpty (refusals "https://h/{artifact_name}" [ "X-Amz-Acl", "private" ]) "a gateway"
            Expect.isEmpty (refusals (signing "host;x-amz-acl") []) "an artifact may bring it along"

            let both = refusals (v4 3600) [ "Host", "h"; "x-a", "\000" ]
            Expect.hasLength both 2 "all at once"
            Expect.hasLength (refusals "ftp://h" [ "Host", "h" ]) 2 "with what else is wrong"

            Expect.stringContains
                (List.exactlyOne (refusals "http://h.example/k" [ customerKey, key ]))
                "in the clear"
                "the key")

        testCase "go to no URL that was presigned for another operation" (fun () ->
            let refusals url =
                match TargetDraft.check (draft url []) with
                | Ok _ -> []
                | Error refusals -> refusals |> List.map _.Message

            for parameter, told in
                [
                    "partNumber=1&uploadId=5ecret-upload", "one part of an upload"
                    "uploadId=5ecret-upload", "one part of an upload"
                    "acl", "access rights"
                    "acl=", "access rights"
                    "tagging=", "tags"
                    "%74agging=", "tags"
                    "retention=", "lock"
                    "legal-hold=", "lock"
                    "renameObject=", "renaming"
                    "x-amz-copy-source=%2Fb%2F5ecret-key", "copy"
                    "x-amz-copy-source-range=bytes%3D0-9", "copy"
                    "x-amz-write-offset-bytes=1", "a part of an object"
                    "x-amz-meta-snowball-auto-extract=true", "extraction"
                    "X-Amz-Meta-Minio-Snowball-Prefix=p", "extraction"
                    "x-minio-source-etag=5ecret", "replication"
                    "x-amz-rename-source=%2Fb%2F5ecret", "renaming"
                    "_method=DELETE", "another method"
                    "X-HTTP-Method-Override=DELETE", "another method"
                    "X-Amz-Content-Sha256=STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "in chunks"
                    "x-amz-content-sha256=STREAMING-UNSIGNED-PAYLOAD-TRAILER", "in chunks"
                ] do
                let url = (v4 3600).Replace("?", $"?{parameter}&")
                let message = List.exactlyOne (refusals url)
                Expect.stringContains message told parameter
                Expect.stringContains message "Ask the presigner for a URL for PutObject" parameter
                Expect.isFalse (message.Contains "5ecret") "no secret"

                // A broker's or a manifest's: nothing is sent.
                let _, output =
                    Push.step
                        (fst (toPair (Push.step (Push.create (plan None id)) started)))
                        (Input.UrlGiven(at 0, parsed url))
                    |> toPair

                match output with
                | Output.Failed failure ->
                    Expect.equal failure.Kind FailureKind.UrlUnusable failure.Message
                    Expect.stringContains failure.Message told parameter
                | other -> failtest $"{other}"

                // What an environment gives is told before there is a request.
                let manifest =
                    UrlManifest.parse (System.Text.Json.JsonSerializer.Serialize(dict [ "a", url ]))

                match manifest with
                | Error [ problem ] -> Expect.stringContains problem told parameter
                | other -> failtest $"{other}"

                let resolution =
                    SpecGenerators.resolve [ SpecGenerators.s3 "t" ] [] [
                        "CELLOS_EXPORT_S3_PRESIGNED_URL__T", url
                    ]

                match Settings.refusals resolution with
                | [ problem ] ->
                    Expect.stringContains problem.Text told parameter
                    Expect.isFalse (problem.Message.Contains "5ecret") "no secret"
                | other -> failtest $"%A{other}"

                Expect.isEmpty (refusals $"https://h.example/k?{parameter}") "a gateway's own"

            for parameter in
                [
                    "x-id=PutObject"
                    "X-Amz-Content-Sha256=UNSIGNED-PAYLOAD"
                    "x-amz-meta-range=1"
                    "x-amz-storage-class=STANDARD"
                    "x-amz-sdk-checksum-algorithm=CRC32"
                ] do
                Expect.isEmpty (refusals ((v4 3600).Replace("?", $"?{parameter}&"))) parameter)

        testCase "of the artifact's own take the place of the sink's" (fun () ->
            let plan =
                plan (Some "https://h/k") (general [ "x-amz-meta-run", "1"; "Cache-Control", "no-store" ])
                |> withHeaders [ "X-AMZ-META-Run", "2"; "x-b", "3" ]

            let turns = feed plan [ started ]

            Expect.equal
                (sentIn turns)
                [ "Cache-Control: no-store, X-AMZ-META-Run: 2, x-b: 3" ]
                "by name, whatever its case")

        testCase "stay the same in every attempt" (fun () ->
            let plan = plan (Some "https://h/k") (retrying 3 0 0 >> general [ "x-b", "3" ])

            let turns =
                feed plan [ started; attempted 1 busy; attempted 2 busy; attempted 3 stored ]

            Expect.equal (sentIn turns) (List.replicate 3 "x-b: 3") "three times")

        testCase "that a server echoes are masked where they are secrets" (fun () ->
            for name, value, isSecret in
                [
                    customerKey, key, true
                    "X-Api-Key", "gateway-token-1", true
                    "x-amz-meta-note", "no secret here", false
                    "Cache-Control", "no-store", false
                    // What stands in every message is none.
                    "X-Cell", "cell-1", false
                    "X-Bucket", "evidence", false
                ] do
                let plan = plan (Some "https://h/k") (general [ name, value ])

                for form in [ value; Uri.EscapeDataString value; value.TrimEnd '=' ] do
                    let turns =
                        feed plan [
                            started
                            attempted 1 (error 400 "InvalidRequest" $"{String('x', 460)} {form} is wrong")
                        ]

                    let message = (failure turns).Message
                    Expect.equal (message.Contains form) (not isSecret) message
                    Expect.stringContains message "s3://evidence/cell-1/logs/out.txt" "the address stays"

                let unusable =
                    feed (asked (general [ name, value ])) [
                        started
                        Input.NoUrl(at 1, $"{String('x', 280)} {value}")
                    ]

                if isSecret then
                    let told = (failure unusable).Message
                    let half = value.Substring(0, 8)
                    Expect.isFalse (told.Contains half) "not even half of it"

                if isSecret then
                    let put = puts (feed plan [ started ]) |> List.exactlyOne |> snd
                    Expect.equal (PutRequest.mask $"no {value}" put) "no REDACTED" "in a fault's words")

        testCase
            "are named in the failure's own words, whatever word of a credential is in the name"
            (fun () ->
                for name in
                    [
                        "x-amz-meta-token"
                        "x-amz-meta-sig"
                        "x-amz-meta-api-key"
                        "x-amz-meta-password"
                    ] do
                    let turns =
                        feed (asked (general [ name, "42" ])) [
                            started
                            Input.UrlGiven(at 0, parsed (signing "host"))
                        ]

                    match (List.last turns).Output with
                    | Output.Failed failure ->
                        Expect.stringContains
                            failure.Message
                            $"does not cover '{name}': S3 answers 403 to that"
                            name

                        Expect.stringContains
                            (FailureReport.toJson (FailureReport.ofFailure failure))
                            $"does not cover '{name}': S3 answers 403 to that"
                            "JSON"
                    | output -> failtestf "It did not fail: %A" output)

        testCase "do not show in a key's name that stands before its value" (fun () ->
            for text in
                [
                    $"{customerKey}: {key}"
                    $"X-Amz-Server-Side-Encryption-Customer-Key={Uri.EscapeDataString key}"
                    $"<a>{customerKey}</a> {customerKey}:{key}"
                ] do
                let told = Redaction.text text
                Expect.isFalse (told.Contains(key.Substring(0, 20))) told

            Expect.equal
                (Redaction.text $"{customerKey}-MD5: abc {customerKey}")
                $"{customerKey}-MD5: abc {customerKey}"
                "its digest is none")
    ]
