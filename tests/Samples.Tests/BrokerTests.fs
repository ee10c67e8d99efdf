module Samples.Tests.BrokerTests

open System
open System.IO
open System.Net.Http
open System.Net.Sockets
open System.Security.Cryptography
open System.Text
open System.Text.Json.Nodes
open System.Text.RegularExpressions
open System.Threading.Tasks
open Expecto
open Samples.Tests.Presigning
open Samples.Tests.BrokerProcess
open Samples.Tests.Script

let private request = requestFor "" "cell-7" "report.json" "the report"

/// Runs a test against a broker of its own with these settings besides the usual.
let private withBroker (settings: (string * string) list) (test: Broker -> Folder -> Task<unit>) =
    task {
        use folder = new Folder()
        use! store = startStore ()
        use! broker = startBroker (settingsFor store folder @ settings)
        do! test broker folder
    }

let private isGranted (answer: Answer) =
    Expect.equal answer.Status 200 $"{answer.Body}"
    answer.Body

/// The key pair of an issuer of JWTs, and what it issues.
type private Issuer() =
    let key = ECDsa.Create ECCurve.NamedCurves.nistP256

    let encode (bytes: byte[]) =
        Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_')

    member _.PublicKey = key.ExportSubjectPublicKeyInfoPem()

    /// A token that is valid for this number of seconds, with further claims.
    member _.Issue(seconds: float, claims: string) =
        let expires = DateTimeOffset.UtcNow.AddSeconds(seconds).ToUnixTimeSeconds()

        let unsigned =
            [
                """{"alg":"ES256","typ":"JWT"}"""
                $"""{{"sub":"ci-42","iss":"https://issuer.example","aud":"cellos-broker","exp":{expires}{claims}}}"""
            ]
            |> List.map (Encoding.UTF8.GetBytes >> encode)
            |> String.concat "."

        $"{unsigned}.{encode (key.SignData(Encoding.UTF8.GetBytes unsigned, HashAlgorithmName.SHA256))}"

    interface IDisposable with
        member _.Dispose() = key.Dispose()

let private granting =
    testList "grants" [
        for prefix, cell, artifact in
            [
                "", "cell-7", "report.json"
                "", "build-2026-04", "logs/stdout.txt"
                "nightly/7", "cell-7", "a b+c.txt"
                "", "cell-7", "grün/100%~!'()*&=;,@:$#?.txt"
                "", "cell-7", "cell-7/report.json"
            ] do
            testCaseTask $"a URL for {prefix} {cell} {artifact} that only its content can use" (fun () ->
                task {
                    use folder = new Folder()
                    use! store = startStore ()
                    use! broker = startBroker (settingsFor store folder)
                    let request = requestFor prefix cell artifact "the report"
                    let! answer = broker.Post(token, request)
                    let response = isGranted answer

                    Expect.equal
                        (text [ "headers"; "x-amz-checksum-sha256" ] response)
                        (text [ "sha256" ] request)
                        "the header to send"

                    let expires = DateTimeOffset.Parse(text [ "expiresAt" ] response)
                    Expect.isTrue (expires > DateTimeOffset.UtcNow) "it is valid"
                    do! isBoundTo "the report" request response

                    Expect.isTrue
                        (store.Objects.ContainsKey(("evidence", text [ "key" ] request)))
                        "it is stored"
                })

        for digest, other in [ "sha256", "md5"; "md5", "sha256" ] do
            testCaseTask $"a URL that is bound to its content by {digest} alone" (fun () ->
                withBroker [] (fun broker _ ->
                    task {
                        let request = without other request
                        let! answer = broker.Post(token, request)
                        do! isBoundTo "the report" request (isGranted answer)
                    }))

        for digests, headers in
            [
                "Sha256, Md5", [ "Content-MD5"; "x-amz-checksum-sha256" ]
                "Sha256", [ "x-amz-checksum-sha256" ]
                "Md5", [ "Content-MD5" ]
                "None", []
            ] do
            testCaseTask $"a URL that signs the digests of the setting: {digests}" (fun () ->
                withBroker [ "Broker:Digests", digests ] (fun broker _ ->
                    task {
                        let! answer = broker.Post(token, request)
                        let response = isGranted answer

                        Expect.sequenceEqual
                            (Seq.sort [ for header in (field "headers" response).AsObject() -> header.Key ])
                            headers
                            "the headers to send"

                        let url = text [ "url" ] response

                        for header in [ "content-md5"; "x-amz-checksum-sha256" ] do
                            Expect.equal
                                (url.Contains header)
                                (headers |> List.exists (fun name -> name.ToLowerInvariant() = header))
                                $"{header} is signed"
                    }))

        testCaseTask "a URL without a digest, a content type or headers" (fun () ->
            task {
                use folder = new Folder()
                use! store = startStore ()
                use! broker = startBroker (settingsFor store folder)

                let plain =
                    [ "sha256"; "md5"; "contentType"; "headers"; "region"; "target" ]
                    |> List.fold (fun request name -> without name request) request

                let! answer = broker.Post(token, plain)
                let response = isGranted answer
                Expect.equal ((field "headers" response).AsObject().Count) 0 "no header to send"
                let! status, page = upload plain response "THE REPORT"
                Expect.equal status 200 page
            })
    ]

let private refusals = [
    let change name value = withField name value request
    let headers (text: string) = change "headers" (JsonNode.Parse text)

    "another cell", 403, "Its cells: cell-7, build-*", requestFor "" "cell-8" "a" ""
    "another prefix", 403, "Its prefixes: (empty), nightly/7", requestFor "nightly/8" "cell-7" "a" ""
    "another bucket", 403, "Allowed: evidence", change "bucket" "other"
    "another region", 403, "Allowed: us-east-1", change "region" "eu-west-1"
    "a larger file", 403, "Allowed: 5368709120", change "contentLength" 5368709121L
    "a header of access control", 403, "'x-amz-acl' is not allowed", headers """{"x-amz-acl":"public-read"}"""
    "a copy", 403, "'X-Amz-Copy-Source' is not", headers """{"X-Amz-Copy-Source":"/evidence/a"}"""
    "an unknown version", 400, "Version 2 of the request is unknown", change "version" 2
    "a key of another cell", 400, "The key is not", change "key" "cell-8/report.json"
    "a key of another artifact", 400, "The key is not", change "key" "cell-7/other.json"
    "a key with an empty prefix", 400, "The key is not", change "key" "/cell-7/report.json"
    "a key with dots", 400, "The key is not", change "key" "nightly/7/../7/cell-7/report.json"
    "a cell with a slash", 400, "The cellId is not", requestFor "" "build-1/cell-7" "a" ""
    "a cell of dots", 400, "The cellId is not", requestFor "" ".." "a" ""
    "an artifact with dots", 400, "The artifactName is not", requestFor "" "cell-7" "../cell-8/a" ""
    "an artifact with an empty segment", 400, "The artifactName is not", requestFor "" "cell-7" "a//b" ""
    "an artifact with a line break", 400, "The artifactName is not", requestFor "" "cell-7" "a\nb" ""

    "a long key",
    400,
    "1,024 bytes",
    requestFor "" "cell-7" (String.replicate 6 (String('a', 200) + "/") + "a") ""

    "a negative length", 400, "The contentLength is negative", change "contentLength" -1
    "a digest of another length", 400, "The sha256 is not", change "sha256" "AAAA"
    "an MD5 of another length", 400, "The md5 is not", change "md5" "AAAA"
    "a digest that is not Base64", 400, "The sha256 is not", change "sha256" (String('?', 44))

    "a line break in a header",
    400,
    "control character",
    headers """{"x-amz-meta-a":"1\nx-amz-acl:public-read"}"""

    "a header without a name", 400, "invalid name", headers """{"":"1"}"""
    "a header without a value", 400, "no value", headers """{"x-amz-meta-a":null}"""
    "a line break in a content type", 400, "control character", change "contentType" "text/plain\nx-amz-acl:a"
    "a missing field", 400, "The body is not a request", without "key" request
    "an empty field", 400, "The body is not a request", change "cellId" (null: string | null)
    "a field of another type", 400, "The body is not a request", change "contentLength" "many"
]

let private refusing =
    testList "refuses" [
        testCaseTask "what the token, the settings and the protocol do not allow, and says why" (fun () ->
            withBroker [] (fun broker _ ->
                task {
                    for what, status, reason, refused in refusals do
                        let! answer = broker.Post(token, refused)

                        try
                            isRefused status reason answer
                        with error ->
                            failtest $"{what}: {error.Message}"

                    let! answer = broker.Post(token, request)
                    isGranted answer |> ignore
                }))

        testCaseTask "bodies that are not a request" (fun () ->
            withBroker [] (fun broker _ ->
                task {
                    let surrogate = request.ToJsonString().Replace("report.json", "\\ud800")

                    for body in [ ""; "null"; "[]"; "{"; "{\"version\":1}"; surrogate ] do
                        let! answer = broker.PostText(Some token, body)
                        isRefused 400 "The body is not a request" answer

                    let large = withField "target" (String('t', 65536)) request
                    let! answer = broker.Post(token, large)
                    isRefused 413 "more than 65536 bytes" answer
                    let! answer = broker.Send("POST", "/v1/urls", Some token, new StringContent "a")
                    isRefused 415 "Send Content-Type: application/json" answer
                    let! answer = broker.Send("GET", "/v1/urls", Some token, null)
                    isRefused 405 "Use POST" answer
                    let! answer = broker.Send("GET", "/v2", Some token, null)
                    isRefused 404 "Post requests to /v1/urls" answer
                }))

        testCaseTask "callers without a token of the file, also once it is removed" (fun () ->
            withBroker [] (fun broker folder ->
                task {
                    let body = request.ToJsonString()

                    let isUnknown (given: string option) =
                        task {
                            let! answer = broker.PostText(given, body)
                            isRefused 401 "missing, unknown or expired" answer
                            Expect.equal (string answer.Headers.WwwAuthenticate) "Bearer" "what to send"
                        }

                    for given in [ None; Some ""; Some(token + "x"); Some(token.ToLowerInvariant()) ] do
                        do! isUnknown given

                    let! answer = broker.Post(token, request)
                    isGranted answer |> ignore
                    writeTokens folder [ host8 ] |> ignore
                    do! isUnknown (Some token)

                    let! answer = broker.Post(otherToken, requestFor "nightly/8" "cell-9" "a" "")
                    isGranted answer |> ignore
                    let! answer = broker.Post(otherToken, request)
                    isRefused 403 "Its prefixes: nightly/*" answer
                }))

        testCaseTask
            "more requests than the limit, with the time to wait, and still reports its health"
            (fun () ->
                withBroker [ "Broker:RequestsPerSecond", "1" ] (fun broker _ ->
                    task {
                        let! answers = Task.WhenAll [ for _ in 1..30 -> broker.Post(token, request) ]

                        let granted, limited =
                            answers |> Array.partition (fun answer -> answer.Status = 200)

                        Expect.isGreaterThan granted.Length 0 "some are granted"
                        Expect.isGreaterThan limited.Length 0 "some are refused"

                        for answer in limited do
                            isRefused 429 "More than 1 requests a second" answer
                            Expect.equal (string answer.Headers.RetryAfter) "1" "the time to wait"

                        let! health =
                            Task.WhenAll [ for _ in 1..5 -> broker.Send("GET", "/health", None, null) ]

                        Expect.all health (fun answer -> answer.Status = 200) "health"
                    }))
    ]

let private tokens =
    testCaseTask "takes JWTs of its issuer, and refuses expired, foreign and unsigned ones" (fun () ->
        task {
            use folder = new Folder()
            use issuer = new Issuer()
            use foreign = new Issuer()
            let publicKey = folder.Write("issuer.pem", issuer.PublicKey)
            use! store = startStore ()

            let settings =
                (settingsFor store folder
                 |> List.filter (fun (name, _) -> name <> "Broker:TokensFile"))
                @ [
                    "Broker:TokensFile", ""
                    "Broker:JwtPublicKeyFile", publicKey
                    "Authentication:Schemes:Bearer:ValidIssuer", "https://issuer.example"
                    "Authentication:Schemes:Bearer:ValidAudience", "cellos-broker"
                ]

            use! broker = startBroker settings
            let rights = ""","cells":["cell-7"],"prefixes":[""]"""
            let! answer = broker.Post(issuer.Issue(600., rights), request)
            isGranted answer |> ignore
            let! answer = broker.Post(issuer.Issue(600., rights), requestFor "" "cell-8" "a" "")
            isRefused 403 "Its cells: cell-7." answer
            let! answer = broker.Post(issuer.Issue(600., ""), request)
            isRefused 403 "Its cells: none." answer
            let! answer = broker.Post(issuer.Issue(-600., rights), request)
            isRefused 401 "missing, unknown or expired" answer
            let! answer = broker.Post(foreign.Issue(600., rights), request)
            isRefused 401 "missing, unknown or expired" answer
            let parts = issuer.Issue(600., rights).Split '.'

            for unsigned in [ $"{parts[0]}.{parts[1]}."; $"eyJhbGciOiJub25lIn0.{parts[1]}."; token ] do
                let! answer = broker.Post(unsigned, request)
                isRefused 401 "missing, unknown or expired" answer
        })

let private subjects =
    testCaseTask "gives a JWT without rights those of its subject, and no other JWT" (fun () ->
        task {
            use folder = new Folder()
            use issuer = new Issuer()
            use! store = startStore ()

            let withSubject (name: string) =
                (settingsFor store folder
                 |> List.filter (fun (name, _) -> name <> "Broker:TokensFile"))
                @ [
                    "Broker:TokensFile", ""
                    "Broker:JwtPublicKeyFile", folder.Write("issuer.pem", issuer.PublicKey)
                    "Authentication:Schemes:Bearer:ValidIssuer", "https://issuer.example"
                    "Authentication:Schemes:Bearer:ValidAudience", "cellos-broker"
                    "Broker:Subjects:0:Name", name
                    "Broker:Subjects:0:Cells:0", "cell-*"
                ]

            for subject in [ "ci-42"; "ci-*" ] do
                use! broker = startBroker (withSubject subject)
                let! answer = broker.Post(issuer.Issue(600., ""), request)
                isGranted answer |> ignore
                let! answer = broker.Post(issuer.Issue(600., ""), requestFor "" "build-1" "a" "")
                isRefused 403 "Its cells: cell-*." answer
                let! answer = broker.Post(issuer.Issue(600., ",\"cells\":[\"build-1\"]"), request)
                isRefused 403 "Its cells: build-1." answer

                let! answer =
                    broker.Post(issuer.Issue(600., ""), requestFor "nightly" "cell-7" "a" "")

                isRefused 403 "prefix" answer

            use! broker = startBroker (withSubject "ci-4")
            let! answer = broker.Post(issuer.Issue(600., ""), request)
            isRefused 403 "Its cells: none." answer
        })

let private sockets =
    testList "on a Unix socket" [
        testCaseTask
            "grants URLs at its root, to its owner and group only, and starts again after it was killed"
            (fun () ->
                task {
                    use folder = new Folder()
                    use! store = startStore ()
                    let settings = settingsFor store folder
                    let path = folder.At "broker.sock"
                    let! killed = startAt $"http://unix:{path}" keys settings
                    use killed = killed
                    do! killed.KillAsync()
                    Expect.isTrue (File.Exists path) "the socket of the killed broker"

                    use! broker = startAt $"http://unix:{path}" keys settings

                    Expect.equal
                        (File.GetUnixFileMode path)
                        (UnixFileMode.UserRead
                         ||| UnixFileMode.UserWrite
                         ||| UnixFileMode.GroupRead
                         ||| UnixFileMode.GroupWrite)
                        "its permissions"

                    let json =
                        new StringContent(request.ToJsonString(), Encoding.UTF8, "application/json")

                    let! answer = broker.Send("POST", "/", Some token, json)
                    do! isBoundTo "the report" request (isGranted answer)

                    // Another broker does not take the socket away.
                    let! code, shown = runToEnd $"http://unix:{path}" settings
                    Expect.notEqual code 0 shown
                    Expect.stringContains shown "Another process listens on" "why"
                    let! answer = broker.Post(token, request)
                    isGranted answer |> ignore

                    let! code = broker.StopAsync()
                    Expect.equal code 0 broker.Log
                    Expect.isFalse (File.Exists path) "the socket is removed"
                })

        testCaseTask "does not start where another file is, and leaves it" (fun () ->
            task {
                use folder = new Folder()
                use! store = startStore ()
                let path = folder.Write("broker.sock", "notes")
                let! code, shown = runToEnd $"http://unix:{path}" (settingsFor store folder)
                Expect.notEqual code 0 shown
                Expect.stringContains shown "is not a socket" "why"
                Expect.equal (File.ReadAllText path) "notes" "the file"
            })
    ]

/// The names in the first column of a table that has this heading.
let private namesIn (path: string) (heading: string) =
    let table =
        File.ReadAllText(Path.Combine(root, path)).Split "\n\n"
        |> Array.find (fun block -> block.StartsWith $"| {heading} |")

    Set.ofList [
        for line in table.Split '\n' |> Seq.skip 2 do
            for name in Regex.Matches((line.Split '|')[1], "`([^`]+)`") -> name.Groups[1].Value
    ]

let private documented = namesIn "docs/broker.md"

let private operation =
    testList "as its operators see it" [
        testCaseTask "logs who asked for what, without a secret" (fun () ->
            withBroker [] (fun broker _ ->
                task {
                    let! answer = broker.Post(token, request)
                    let url = text [ "url" ] (isGranted answer)
                    let! _ = broker.Post(token, requestFor "" "cell-8" "a\u001b[31m" "")
                    let! _ = broker.Post("an-unknown-token", request)
                    let! code = broker.StopAsync()
                    Expect.equal code 0 broker.Log

                    let events = [
                        for line in broker.Log.Split '\n' do
                            if line.Contains "\"EventId\":" then
                                let json = nonNull (JsonNode.Parse line)

                                if text [ "Category" ] json = "Program" then
                                    field "State" json
                    ]

                    match events with
                    | [ granted; refused; unknown ] ->
                        Expect.equal (text [ "Caller" ] granted) "host-7" "who"
                        Expect.equal (text [ "Key" ] granted) "cell-7/report.json" "what"
                        Expect.equal (text [ "Sha256" ] granted) (text [ "sha256" ] request) "the content"
                        Expect.equal (text [ "Caller" ] refused) "host-7" "who was refused"
                        Expect.equal (text [ "Caller" ] unknown) "[127.0.0.1]" "an unknown caller"
                    | other -> failtest $"{other.Length} events: {broker.Log}"

                    for secret in url :: token :: "an-unknown-token" :: "\u001b" :: secrets do
                        Expect.isFalse (broker.Log.Contains secret) $"no '{secret}' in {broker.Log}"
                }))

        testCaseTask "reports missing keys as unhealthy" (fun () ->
            task {
                use folder = new Folder()
                use! store = startStore ()
                use! broker = startAt anyPort [] (settingsFor store folder)
                let! health = broker.Send("GET", "/health", None, null)
                Expect.equal health.Status 503 "health"
                let! answer = broker.Post(token, request)
                isRefused 500 "See its log" answer
            })

        for what, name, value, reason in
            [
                "no region", "Broker:Region", "", "Region"
                "a lifetime of more than a week", "Broker:UrlLifetime", "7.00:00:01", "UrlLifetime"
                "an unknown digest", "Broker:Digests", "Sha512", "Digests"
                "a digest that is a number", "Broker:Digests", "8", "Digests"
                "a missing file of tokens",
                "Broker:TokensFile",
                "/nonexistent/tokens.json",
                "Set Broker:TokensFile"
            ] do
            testCaseTask $"does not start with {what}" (fun () ->
                task {
                    use folder = new Folder()
                    use! store = startStore ()

                    let settings =
                        settingsFor store folder |> List.filter (fun (other, _) -> other <> name)

                    let! code, shown = runToEnd anyPort ((name, value) :: settings)
                    Expect.equal code 2 shown
                    Expect.stringContains shown "The broker cannot start: " "a sentence"
                    Expect.stringContains shown reason "why"
                    Expect.isFalse (shown.Contains "\n   at ") "without a stack trace"
                })

        testCaseTask "does not start where another program listens, and says so" (fun () ->
            task {
                use folder = new Folder()
                use! store = startStore ()
                let settings = settingsFor store folder
                use! first = startBroker settings
                let! code, shown = runToEnd first.Address settings
                Expect.equal code 2 shown
                Expect.stringContains shown "The broker cannot start: " "a sentence"
                Expect.stringContains shown "address already in use" "why"
            })

        testCaseTask "writes no error to its log where it has no home folder" (fun () ->
            task {
                use folder = new Folder()
                use! store = startStore ()

                use! broker =
                    startAt
                        anyPort
                        (("HOME", folder.Write("a-file", "") + "/home") :: keys)
                        (settingsFor store folder)

                let! answer = broker.Post(token, request)
                isGranted answer |> ignore
                Expect.isFalse (broker.Log.Contains "\"LogLevel\":\"Error\"") broker.Log
            })

        testCaseTask "does not start with the digest of a token that is not a SHA-256" (fun () ->
            task {
                use folder = new Folder()
                use! store = startStore ()
                let settings = settingsFor store folder

                writeTokens folder [ host7; host8.Replace("\"sha256\": \"", "\"sha256\": \"g") ]
                |> ignore

                let! code, shown = runToEnd anyPort settings
                Expect.equal code 2 shown
                Expect.stringContains shown "the sha256 of 'host-8' is not 64 hexadecimal digits" "why"
            })

        testCase "has every setting in its README" (fun () ->
            let options =
                File.ReadAllText(Path.Combine(root, "samples/Broker/BrokerOptions.cs"))

            Expect.equal
                (namesIn "samples/Broker/README.md" "Below `Broker`")
                (Set.ofList [
                    for found in Regex.Matches(options, @"public \S+ (\w+) \{ get; set; \}") ->
                        found.Groups[1].Value
                ])
                "the table")

        testCaseTask "describes itself in an OpenAPI document" (fun () ->
            withBroker [] (fun broker _ ->
                task {
                    let! answer = broker.Send("GET", "/openapi.json", None, null)
                    Expect.equal answer.Status 200 "the document"

                    let names (path: string list) =
                        let found = path |> List.fold (fun node name -> field name node) answer.Body
                        Set.ofList [ for entry in found.AsObject() -> entry.Key ]

                    Expect.equal (names [ "paths" ]) (Set.ofList [ "/"; "/v1/urls" ]) "paths"

                    let properties (schema: string) =
                        names [ "components"; "schemas"; schema; "properties" ]

                    Expect.equal
                        (properties "UrlRequest")
                        (Set.ofList [
                            "version"
                            "target"
                            "cellId"
                            "artifactName"
                            "bucket"
                            "key"
                            "region"
                            "attempt"
                            "contentLength"
                            "contentType"
                            "headers"
                            "sha256"
                            "md5"
                            "crc64nvme"
                        ])
                        "the request"

                    Expect.equal
                        (properties "UrlResponse")
                        (Set.ofList [ "url"; "artifactName"; "headers"; "expiresAt" ])
                        "the response"

                    Expect.equal (properties "ErrorResponse") (Set.ofList [ "error" ]) "the refusal"
                }))
    ]

[<Tests>]
let tests =
    testList "the broker" [ granting; refusing; tokens; subjects; sockets; operation ]
