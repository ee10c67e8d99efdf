/// URLs from a broker over HTTP or a Unix socket, on good days and bad ones.
module Facade.Tests.BrokerTests

open System
open System.Collections.Concurrent
open System.Collections.Generic
open System.Diagnostics
open System.IO
open System.Text
open System.Text.Json
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open LoopbackS3
open Microsoft.Extensions.Configuration
open Microsoft.Extensions.DependencyInjection
open Facade.Tests.Support
open Facade.Tests.BrokerSupport
open Facade.Tests.CompositionSupport

let private secret = "0123456789abcdef0123"
let private token = "t0k3n-t0k3n-t0k3n"

let private sequence (scripts: BrokerScript list) : BrokerScript =
    let mutable next = -1

    fun request ->
        let index = Interlocked.Increment(&next)
        (scripts[min index (scripts.Length - 1)]) request

let private always response : BrokerScript = fun _ -> Task.FromResult response

/// An options' copy is not to be had: what differs is set here.
let private optionsOf (url: string) attempts (timeout: TimeSpan) tokenFile bind keyCheck =
    PresignedS3ExportSinkOptions(
        BrokerUrl = url,
        BrokerTokenFile = tokenFile,
        BindDigest = bind,
        KeyCheck = keyCheck,
        CellId = cellId,
        Bucket = bucket,
        Region = "us-east-1",
        TargetName = "worm",
        MaxAttempts = attempts,
        RetryBackoff = TimeSpan.Zero,
        RequestTimeout = timeout
    )

let private plain (url: string) =
    optionsOf url 3 (TimeSpan.FromSeconds 10.) null false true

let private failsWith (kind: ExportFailureKind) (parts: string list) (failure: ExportException) =
    Expect.equal failure.Kind kind failure.Message

    for part in parts do
        Expect.stringContains failure.Message part "the message"

    for hidden in [ secret; token ] do
        Expect.isFalse (failure.Message.Contains hidden) failure.Message

/// A push over a broker that does the same each time; how often it was asked.
let private pushOver options (script: LoopbackS3Server -> BrokerScript) =
    task {
        use! scene = scene "x" (patterned 1000)
        use broker = broker (script scene.Server)

        use sink =
            new PresignedS3ExportSink((options: string -> PresignedS3ExportSinkOptions) broker.Url)

        let! failure = failureOf (fun () -> sink.PushAsync("x", scene.Path))
        Expect.isEmpty scene.Puts "nothing was sent to the store"
        return failure, broker.Requests.Length
    }

[<Tests>]
let tests =
    testList "a URL broker" [
        testCaseTask "is asked with all that is known of the upload" (fun () ->
            task {
                use! scene = scene "x" (patterned 1000)
                use broker = broker (grant scene.Server)
                use sink = new PresignedS3ExportSink(plain broker.Url)

                let! receipt =
                    sink.PushAsync("x", scene.Path, ExportArtifactMetadata(ContentType = "text/plain"))

                isTrueOf scene receipt
                let request = List.exactlyOne broker.Requests
                Expect.equal (request.Method, request.Path) ("POST", "/v1/urls") "one POST"
                Expect.equal (request.Header "Content-Type") "application/json" "JSON"
                Expect.equal (request.Header "Authorization") "" "no token"

                Expect.equal
                    request.Body
                    """{"version":1,"target":"worm","cellId":"cell-7","artifactName":"x","bucket":"evidence","key":"cell-7/x","region":"us-east-1","attempt":1,"contentLength":1000,"contentType":"text/plain","headers":{}}"""
                    "as documented"
            })

        testCaseTask "is reached over a Unix socket" (fun () ->
            task {
                linuxOnly ()
                use! scene = scene "x" (patterned 1000)
                use broker = new Broker(Some(scene.Folder.At "broker.sock"), grant scene.Server)
                use sink = new PresignedS3ExportSink(plain broker.Url)
                let! receipt = sink.PushAsync("x", scene.Path)
                isTrueOf scene receipt
                Expect.equal (List.exactlyOne broker.Requests).Path "/" "the root"
            })

        testCaseTask "gets the token as it is in the file at that moment" (fun () ->
            task {
                use! scene = scene "x" (patterned 1000)
                let file = scene.Folder.Write("token", Encoding.ASCII.GetBytes "first\n")
                use broker = broker (grant scene.Server)

                use sink =
                    new PresignedS3ExportSink(
                        optionsOf broker.Url 3 (TimeSpan.FromSeconds 10.) file false true
                    )

                let! _ = sink.PushAsync("a", scene.Path)
                File.WriteAllText(file, "second")
                let! _ = sink.PushAsync("b", scene.Path)

                Expect.sequenceEqual
                    (broker.Requests |> List.map (fun request -> request.Header "Authorization"))
                    [ "Bearer first"; "Bearer second" ]
                    "read before each request"
            })

        testCaseTask
            "that does not accept a token is asked once more with the token of that moment"
            (fun () ->
                task {
                    use! scene = scene "x" (patterned 1000)
                    let file = scene.Folder.Write("token", Encoding.ASCII.GetBytes "old")

                    let renew: BrokerScript =
                        fun _ ->
                            File.WriteAllText(file, token)
                            Task.FromResult(respond 401 """{"error":{"message":"expired"}}""")

                    use broker = broker (sequence [ renew; grant scene.Server ])

                    use sink =
                        new PresignedS3ExportSink(
                            optionsOf broker.Url 1 (TimeSpan.FromSeconds 10.) file false true
                        )

                    let! receipt = sink.PushAsync("x", scene.Path)
                    isTrueOf scene receipt

                    Expect.sequenceEqual
                        (broker.Requests |> List.map (fun request -> request.Header "Authorization"))
                        [ "Bearer old"; $"Bearer {token}" ]
                        "once more"
                })

        testCaseTask
            "that accepts no token ends the push after one repetition, and no token is shown"
            (fun () ->
                task {
                    use folder = new Folder()
                    let file = folder.Write("token", Encoding.ASCII.GetBytes token)

                    let! failure, asked =
                        pushOver
                            (fun url -> optionsOf url 3 (TimeSpan.FromSeconds 10.) file false true)
                            (fun _ request ->
                                let echo = request.Header "Authorization"

                                Task.FromResult(
                                    respond 401 $"""{{"error":{{"message":"no such token: {echo}"}}}}"""
                                ))

                    Expect.equal asked 2 "once more"
                    failsWith ExportFailureKind.UrlUnusable [ "HTTP 401"; "read again"; "REDACTED" ] failure
                })

        testCaseTask "is not asked without its token" (fun () ->
            task {
                use folder = new Folder()

                for name, content, part in
                    [
                        "gone", None, "cannot be read"
                        "empty", Some " \n", "is empty"
                        "two", Some $"{token} {token}", "more than a token"
                    ] do
                    let file = folder.At name

                    match content with
                    | Some content -> File.WriteAllText(file, content)
                    | None -> ()

                    let! failure, asked =
                        pushOver
                            (fun url -> optionsOf url 3 (TimeSpan.FromSeconds 10.) file false true)
                            grant

                    Expect.equal asked 0 name
                    failsWith ExportFailureKind.UrlUnusable [ file; part ] failure
            })

        testCaseTask "that is busy is asked again, and its Retry-After is honoured" (fun () ->
            task {
                use! scene = scene "x" (patterned 1000)

                use broker =
                    broker (
                        sequence [
                            always (respond 500 "")
                            always (respondWith 429 [ "Retry-After", "1" ] "")
                            grant scene.Server
                        ]
                    )

                use sink = new PresignedS3ExportSink(plain broker.Url)
                let watch = Stopwatch.StartNew()
                let! receipt = sink.PushAsync("x", scene.Path)
                isTrueOf scene receipt
                Expect.equal receipt.Attempts 1 "one PUT"
                Expect.equal broker.Requests.Length 3 "three questions"
                Expect.isGreaterThan watch.Elapsed (TimeSpan.FromMilliseconds 900.) "waited"
            })

        testCaseTask "is asked by several artifacts at once, so that its latency does not add up" (fun () ->
            task {
                use! scene = scene "x" (patterned 100)
                let mutable underway = 0
                let mutable most = 0
                let gate = TaskCompletionSource()

                let slow: BrokerScript =
                    fun request ->
                        task {
                            let now = Interlocked.Increment(&underway)
                            most <- max most now

                            if now = 16 then
                                gate.TrySetResult() |> ignore

                            do! gate.Task
                            return! grant scene.Server request
                        }

                use broker = broker slow
                use sink = new PresignedS3ExportSink(plain broker.Url)
                let artifacts = [ for i in 1..32 -> ExportArtifact($"a{i}", scene.Path) ]
                let mutable exported = 0

                for result in
                    sink
                        .PushManyAsync(artifacts, ExportBatchOptions(MaxConcurrency = 16))
                        .ToBlockingEnumerable() do
                    Expect.isTrue result.IsExported (result.ToJson())
                    exported <- exported + 1

                Expect.equal exported 32 "all"
                Expect.isTrue (most >= 16) "as many at once as artifacts"
            })

        testCaseTask "gives 2,000 artifacts their URLs at concurrency 64, on busy days too" (fun () ->
            task {
                use! scene = scene "x" (patterned 100)
                let mutable count = 0

                let script: BrokerScript =
                    fun request ->
                        if Interlocked.Increment(&count) % 10 = 0 then
                            Task.FromResult(respond 503 "")
                        else
                            grant scene.Server request

                use broker = broker script

                use sink =
                    new PresignedS3ExportSink(
                        optionsOf broker.Url 10 (TimeSpan.FromSeconds 60.) null false true
                    )

                let artifacts = [ for i in 1..2000 -> ExportArtifact($"logs/{i}", scene.Path) ]

                let exported =
                    sink
                        .PushManyAsync(artifacts, ExportBatchOptions(MaxConcurrency = 64))
                        .ToBlockingEnumerable()
                    |> Seq.map (fun result ->
                        Expect.isTrue result.IsExported (result.ToJson())
                        result.Artifact.Name)
                    |> Set.ofSeq

                Expect.equal exported.Count 2000 "each once"
                Expect.equal scene.Server.Objects.Count 2000 "each has its object"
            })

        testCaseTask "has its headers sent with the upload" (fun () ->
            task {
                use! scene = scene "x" (patterned 1000)

                let script: BrokerScript =
                    fun request ->
                        let headers =
                            Dictionary(dict [ "x-amz-meta-run", "42"; "content-type", "text/x-log" ])

                        let url = scene.Server.Presign("PUT", bucket, request.Text "key", headers = headers)

                        Task.FromResult(
                            respond
                                200
                                $"""{{"url":{JsonSerializer.Serialize url},"headers":{{"x-amz-meta-run":"42","Content-Type":"text/x-log"}}}}"""
                        )

                use broker = broker script
                use sink = new PresignedS3ExportSink(plain broker.Url)
                let! receipt = sink.PushAsync("x", scene.Path)
                isTrueOf scene receipt
            })

        testCaseTask "is asked for a fresh URL after an expiry" (fun () ->
            task {
                use! scene = scene "x" (patterned 1000)
                scene.Server.Misbehave(bucket, scene.Key, Fault.Status(403, "ExpiredToken"))

                let script: BrokerScript =
                    fun request ->
                        let expires = TimeSpan.FromMinutes(float (10 * int (request.Text "attempt")))

                        Task.FromResult(
                            respond
                                200
                                (urlJson (
                                    scene.Server.Presign(
                                        "PUT",
                                        bucket,
                                        request.Text "key",
                                        expires = expires
                                    )
                                ))
                        )

                use broker = broker script
                use sink = new PresignedS3ExportSink(plain broker.Url)
                let! receipt = sink.PushAsync("x", scene.Path)
                Expect.equal receipt.Attempts 2 "expired, stored"

                Expect.sequenceEqual
                    (broker.Requests |> List.map (fun request -> request.Text "attempt"))
                    [ "1"; "2" ]
                    "for each attempt"
            })

        testCaseTask "that is down makes the artifact fail as unavailable" (fun () ->
            task {
                use! scene = scene "x" (patterned 1000)

                let url =
                    use broker = broker (grant scene.Server)
                    broker.Url

                use sink = new PresignedS3ExportSink(plain url)
                let! failure = failureOf (fun () -> sink.PushAsync("x", scene.Path))

                failsWith
                    ExportFailureKind.Unavailable
                    [ url; "no connection"; "No attempt was made" ]
                    failure
            })

        testCaseTask "whose socket is not there makes the artifact fail as unavailable" (fun () ->
            task {
                linuxOnly ()
                use! scene = scene "x" (patterned 1000)
                let path = scene.Folder.At "no.sock"
                use sink = new PresignedS3ExportSink(plain $"unix:{path}")
                let! failure = failureOf (fun () -> sink.PushAsync("x", scene.Path))
                failsWith ExportFailureKind.Unavailable [ path; "no connection" ] failure
            })

        testCaseTask "that hangs up is asked again, and then the artifact fails as unavailable" (fun () ->
            task {
                let! failure, asked = pushOver plain (fun _ -> always None)
                Expect.isTrue (asked >= 3) "as often as there are attempts"
                failsWith ExportFailureKind.Unavailable [ "gave no response" ] failure
            })

        testCaseTask "that is slow is given up after the request timeout" (fun () ->
            task {
                let! failure, asked =
                    pushOver
                        (fun url -> optionsOf url 2 (TimeSpan.FromMilliseconds 500.) null false true)
                        (fun _ _ -> Task.Delay(-1).ContinueWith(fun _ -> None))

                Expect.isTrue (asked <= 2) "no more often than there are attempts"
                failsWith ExportFailureKind.Unavailable [ "within 500 ms" ] failure
            })

        testCaseTask
            "that stops in the middle of its response is given up after the request timeout"
            (fun () ->
                task {
                    let half =
                        Encoding.ASCII.GetBytes "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"url\":"

                    let! failure, _ =
                        pushOver
                            (fun url -> optionsOf url 1 (TimeSpan.FromMilliseconds 1000.) null false true)
                            (fun _ -> always (Some half))

                    failsWith ExportFailureKind.Unavailable [ "within 1000 ms" ] failure
                })

        testCaseTask "that never ends its response is read to 64 KiB" (fun () ->
            task {
                let endless =
                    Array.append
                        (Encoding.ASCII.GetBytes "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
                        (Array.create 200_000 (byte ' '))

                let! failure, asked = pushOver plain (fun _ -> always (Some endless))
                Expect.equal asked 1 "once"
                failsWith ExportFailureKind.UrlUnusable [ "longer than 65536 bytes" ] failure
            })

        testCaseTask "that refuses ends the push at once with its reason" (fun () ->
            task {
                let refusal = """{"error":{"message":"cell-7 may not have audit/"}}"""

                for response, parts in
                    [
                        respond 200 refusal, [ "refused to give a URL: \"cell-7 may not have audit/\"" ]
                        respond 403 refusal, [ "HTTP 403"; "cell-7 may not have audit/"; "administrator" ]
                        respond 404 "", [ "HTTP 404"; "address" ]
                        respond 400 "", [ "HTTP 400" ]
                        respondWith 302 [ "Location", $"https://x/?t={secret}" ] "",
                        [ "HTTP 302"; "redirects are not followed" ]
                        respondWith 200 [ "Content-Type", "text/html" ] "<html>Sign in</html>",
                        [ "HTML page"; "portal" ]
                        respond 200 "not JSON", [ "not valid JSON" ]
                        respond 200 "", [ "it is empty" ]
                        respond 200 "{}", [ "neither 'url' nor 'error'" ]
                        respond 200 $"""{{"url":"https://h/k?X-Amz-Signature={secret}","error":{{}}}}""",
                        [ "both 'url' and 'error'" ]
                        respond
                            200
                            $"""{{"url":"https://h/k?token={secret}","headers":{{"Authorization":"{secret}"}}}}""",
                        [ "Authorization" ]
                        respond
                            400
                            $"""{{"error":{{"message":"see https://h/k?X-Amz-Signature={secret}"}}}}""",
                        [ "HTTP 400"; "REDACTED" ]
                    ] do
                    let! failure, asked = pushOver plain (fun _ -> always response)
                    Expect.equal asked 1 "once"
                    failsWith ExportFailureKind.UrlUnusable ("Nothing was sent." :: parts) failure
            })

        testCaseTask "that gives a URL for something else is refused before anything is sent" (fun () ->
            task {
                for make, parts in
                    [
                        (fun (server: LoopbackS3Server) -> server.Presign("PUT", bucket, "cell-7/other")),
                        [ "cell-7/other" ]
                        (fun (server: LoopbackS3Server) -> server.Presign("PUT", "elsewhere", "cell-7/x")),
                        [ "elsewhere" ]
                        (fun (server: LoopbackS3Server) ->
                            server.Presign(
                                "PUT",
                                bucket,
                                "cell-7/x",
                                query = Dictionary(dict [ "partNumber", "1"; "uploadId", "u" ])
                            )),
                        [ "part" ]
                        (fun (server: LoopbackS3Server) ->
                            server.Presign(
                                "PUT",
                                bucket,
                                "cell-7/x",
                                query = Dictionary(dict [ "x-id", "GetObject" ])
                            )),
                        [ "GetObject" ]
                        (fun (server: LoopbackS3Server) ->
                            server.Presign(
                                "PUT",
                                bucket,
                                "cell-7/x",
                                headers = Dictionary(dict [ "x-amz-meta-a", "b" ])
                            )),
                        [ "x-amz-meta-a"; "not supplied" ]
                    ] do
                    let! failure, _ =
                        pushOver plain (fun server -> always (respond 200 (urlJson (make server))))

                    failsWith ExportFailureKind.UrlUnusable parts failure
            })

        testCaseTask "that gives an expired URL ends the push before anything is sent" (fun () ->
            task {
                let! failure, _ =
                    pushOver plain (fun server ->
                        always (
                            respond
                                200
                                (urlJson (
                                    server.Presign(
                                        "PUT",
                                        bucket,
                                        "cell-7/x",
                                        signedAt = DateTimeOffset.UtcNow.AddHours -3.
                                    )
                                ))
                        ))

                failsWith ExportFailureKind.UrlExpired [ "expired at" ] failure
            })

        testCaseTask "that gives one URL to two artifacts exports the first alone" (fun () ->
            task {
                use! scene = scene "x" (patterned 1000)
                let url = scene.Server.Presign("PUT", bucket, "somewhere")
                use broker = broker (always (respond 200 (urlJson url)))

                use sink =
                    new PresignedS3ExportSink(
                        optionsOf broker.Url 3 (TimeSpan.FromSeconds 10.) null false false
                    )

                let! first = sink.PushAsync("a", scene.Path)
                Expect.isFalse first.DestinationChecked "a gateway that rewrites"
                let! failure = failureOf (fun () -> sink.PushAsync("b", scene.Path))
                failsWith ExportFailureKind.UrlUnusable [ "'a'" ] failure
            })

        testCaseTask "with bound digests signs them, and the store itself refuses other content" (fun () ->
            task {
                use! scene = scene "x" (patterned 100_000)

                let script: BrokerScript =
                    fun request ->
                        let headers = Dictionary(dict [ "x-amz-checksum-sha256", request.Text "sha256" ])

                        let url = scene.Server.Presign("PUT", bucket, request.Text "key", headers = headers)

                        let name = "x-amz-checksum-sha256"

                        Task.FromResult(
                            respond
                                200
                                $"""{{"url":{JsonSerializer.Serialize url},"headers":{{"{name}":{JsonSerializer.Serialize(request.Text "sha256")}}}}}"""
                        )

                use broker = broker script

                use sink =
                    new PresignedS3ExportSink(
                        optionsOf broker.Url 3 (TimeSpan.FromSeconds 10.) null true true
                    )

                let! receipt = sink.PushAsync("x", scene.Path)
                isTrueOf scene receipt
                Expect.equal receipt.Integrity "checksum-sha256" "the store confirmed it"
                let request = List.exactlyOne broker.Requests

                Expect.equal
                    (Convert.ToHexStringLower(Convert.FromBase64String(request.Text "sha256")))
                    (sha256 scene.Content)
                    "SHA-256"

                Expect.equal
                    (Convert.ToHexStringLower(Convert.FromBase64String(request.Text "md5")))
                    (md5 scene.Content)
                    "MD5"

                Expect.equal (Convert.FromBase64String(request.Text "crc64nvme").Length) 8 "CRC-64/NVME"
            })

        testCaseTask "with bound digests, content that changed meanwhile is not stored" (fun () ->
            task {
                use! scene = scene "x" (patterned 100_000)

                let script: BrokerScript =
                    fun request ->
                        // In place, with the time stamps that it had.
                        let written = File.GetLastWriteTimeUtc scene.Path

                        do
                            use file = File.OpenWrite scene.Path
                            file.WriteByte 255uy

                        File.SetLastWriteTimeUtc(scene.Path, written)

                        let headers = Dictionary(dict [ "x-amz-checksum-sha256", request.Text "sha256" ])

                        Task.FromResult(
                            respond
                                200
                                (urlJson (
                                    scene.Server.Presign(
                                        "PUT",
                                        bucket,
                                        request.Text "key",
                                        headers = headers
                                    )
                                ))
                        )

                use broker = broker script

                use sink =
                    new PresignedS3ExportSink(
                        optionsOf broker.Url 3 (TimeSpan.FromSeconds 10.) null true true
                    )

                let! failure = failureOf (fun () -> sink.PushAsync("x", scene.Path))
                failsWith ExportFailureKind.SourceChanged [] failure
                Expect.isNone scene.Stored "no object"
            })

        testCaseTask "that signed a digest, and got other content: the store refuses it" (fun () ->
            task {
                use! scene = scene "x" (patterned 1000)
                let other = Convert.ToBase64String(Security.Cryptography.SHA256.HashData [| 1uy |])

                // As a client would that does not look itself.
                use client = new Net.Http.HttpClient()
                let headers = Dictionary(dict [ "x-amz-checksum-sha256", other ])

                use request =
                    new Net.Http.HttpRequestMessage(
                        Net.Http.HttpMethod.Put,
                        scene.Server.Presign("PUT", bucket, scene.Key, headers = headers),
                        Content = new Net.Http.ByteArrayContent(scene.Content)
                    )

                request.Headers.TryAddWithoutValidation("x-amz-checksum-sha256", other)
                |> ignore

                use! response = client.SendAsync request
                Expect.equal (int response.StatusCode) 400 "BadDigest"
                Expect.isNone scene.Stored "no object"
            })

        testCaseTask "of a spec is asked for all targets" (fun () ->
            task {
                use! scene = scene "x" (patterned 1000)
                use broker = broker (grant scene.Server)
                let file = scene.Folder.Write("token", Encoding.ASCII.GetBytes token)

                let spec =
                    S3ExportSpec.Create [
                        S3ExportTarget(Name = "one", Bucket = bucket, KeyPrefix = "p1")
                        S3ExportTarget(Name = "two", Bucket = bucket, KeyPrefix = "p2")
                    ]

                let variables =
                    environment [
                        "CELLOS_EXPORT_S3_BROKER_URL", broker.Url
                        "CELLOS_EXPORT_S3_BROKER_TOKEN_FILE", file
                        "CELLOS_EXPORT_S3_BIND_DIGEST", "1"
                    ]

                use sinks = S3ExportSinks.Create(spec, cellId, variables)
                let! one = sinks["one"].PushAsync("x", scene.Path)
                let! two = sinks["two"].PushAsync("x", scene.Path)

                Expect.equal
                    (one.Destination, two.Destination)
                    ($"s3://{bucket}/p1/cell-7/x", $"s3://{bucket}/p2/cell-7/x")
                    "each for its own"

                Expect.sequenceEqual
                    (broker.Requests
                     |> List.map (fun request ->
                         request.Text "target", request.Text "key", request.Header "Authorization"))
                    [
                        "one", "p1/cell-7/x", $"Bearer {token}"
                        "two", "p2/cell-7/x", $"Bearer {token}"
                    ]
                    "each for its own"

                Expect.all broker.Requests (fun request -> request.Text "sha256" <> "") "bound"
            })

        testCaseTask "is trusted by the CA bundle, and reached through the proxy, as the store is" (fun () ->
            task {
                use! scene = scene "x" (patterned 10)
                use root = Certificates.authority "Private Root"

                use certificate =
                    Certificates.issue root "127.0.0.1" (DateTimeOffset.UtcNow.AddDays 10.)

                use server = new Tests.TlsServer.TlsServer(certificate, [])
                use proxy = ProxySupport.forwarding ()

                let bundle =
                    scene.Folder.Write("ca.pem", Encoding.ASCII.GetBytes(root.ExportCertificatePem()))

                let failureWith (more: (string * string) list) =
                    task {
                        use sinks =
                            S3ExportSinks.Create(
                                S3ExportSpec.Create [ S3ExportTarget(Name = "one", Bucket = bucket) ],
                                cellId,
                                environment (
                                    ("CELLOS_EXPORT_S3_BROKER_URL__ONE", server.Origin "127.0.0.1" + "/v1")
                                    :: more
                                )
                            )

                        return! failureOf (fun () -> sinks["one"].PushAsync("x", scene.Path))
                    }

                let! rejected = failureWith []
                failsWith ExportFailureKind.UrlUnusable [ "not trusted" ] rejected

                // The server says 200 and nothing more: it was reached.
                let trusting = ("CELLOS_CA_BUNDLE", bundle)
                let! reached = failureWith [ trusting ]
                failsWith ExportFailureKind.UrlUnusable [ "HTTP 200"; "it is empty" ] reached
                Expect.isEmpty proxy.Heads "directly"
                let! reached = failureWith (trusting :: ProxySupport.through "https" proxy)
                failsWith ExportFailureKind.UrlUnusable [ "HTTP 200"; "it is empty" ] reached
                Expect.stringStarts (List.exactlyOne proxy.Heads) "CONNECT 127.0.0.1:" "through a tunnel"
            })

        testCaseTask "on this host is asked without a proxy, which would see the token" (fun () ->
            task {
                use! scene = scene "x" (patterned 1000)
                use broker = broker (grant scene.Server)
                use proxy = ProxySupport.forwarding ()

                use sinks =
                    S3ExportSinks.Create(
                        S3ExportSpec.Create [ S3ExportTarget(Name = "one", Bucket = bucket) ],
                        cellId,
                        environment (
                            ("CELLOS_EXPORT_S3_BROKER_URL__ONE", broker.Url)
                            :: ProxySupport.through "http" proxy
                        )
                    )

                let! receipt = sinks["one"].PushAsync("x", scene.Path)
                isTrueOf scene receipt
                Expect.equal broker.Requests.Length 1 "asked"
                Expect.all proxy.Heads _.StartsWith("PUT ") "only the upload"
            })

        testCaseTask "of a host's container is asked where the environment names none" (fun () ->
            task {
                use! scene = scene "x" (patterned 1000)
                use broker = broker (grant scene.Server)
                let services = ServiceCollection()

                services.AddSingleton<IPresignedUrlProvider>(
                    new HttpPresignedUrlProvider(HttpPresignedUrlProviderOptions(Url = broker.Url))
                )
                |> ignore

                services.AddS3ExportSinks(
                    S3ExportSpec.Create [ S3ExportTarget(Name = "one", Bucket = bucket) ],
                    cellId,
                    environment []
                )
                |> ignore

                use provider = services.BuildServiceProvider()

                let! receipt =
                    provider.GetRequiredKeyedService<IExportSink>("one").PushAsync("x", scene.Path)

                isTrueOf scene receipt
                Expect.equal broker.Requests.Length 1 "once"
            })

        testCaseTask "of appsettings.json is asked by the sinks of a host" (fun () ->
            task {
                use! scene = scene "x" (patterned 1000)
                use broker = broker (grant scene.Server)

                let json =
                    $"""{{"Export":{{"Targets":[{{"Name":"artifact-bucket","Kind":"s3","Bucket":"{bucket}"}}]}},
                    "CELLOS_EXPORT_S3_BROKER_URL":{{"artifact-bucket":"{broker.Url}"}},
                    "CELLOS_EXPORT_S3_BIND_DIGEST":{{"artifact-bucket":1}}}}"""

                let configuration =
                    ConfigurationBuilder()
                        .AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes json))
                        .Build()

                let services = ServiceCollection()
                services.AddS3ExportSinks(configuration, cellId) |> ignore
                use provider = services.BuildServiceProvider()

                let! receipt =
                    provider
                        .GetRequiredKeyedService<IExportSink>("artifact-bucket")
                        .PushAsync("x", scene.Path)

                isTrueOf scene receipt
                Expect.isTrue ((List.exactlyOne broker.Requests).Text "sha256" <> "") "bound"
            })

        testCase "is refused at once if its options are wrong" (fun () ->
            for options, part in
                [
                    HttpPresignedUrlProviderOptions(Url = "http://broker.example/"), "in the clear"
                    HttpPresignedUrlProviderOptions(Url = "unix:x"), "absolute path"
                    HttpPresignedUrlProviderOptions(Url = "https://b/", RequestTimeout = TimeSpan.Zero),
                    "request timeout"
                    HttpPresignedUrlProviderOptions(Url = "https://b/", CaBundle = "/no/such/file"), "CA"
                ] do
                let error = errorOf (fun () -> new HttpPresignedUrlProvider(options) |> ignore)

                Expect.isTrue (error :? ArgumentException) "an argument"
                Expect.stringContains error.Message part "what is wrong"

            for options, part in
                [
                    PresignedS3ExportSinkOptions(CellId = "c", Bucket = "b", BrokerTokenFile = "/x"),
                    "BrokerUrl"
                    PresignedS3ExportSinkOptions(
                        CellId = "c",
                        Bucket = "b",
                        BrokerUrl = "https://b/",
                        UrlCommand = [ "x" ]
                    ),
                    "several places"
                    PresignedS3ExportSinkOptions(CellId = "c", Bucket = "b", UrlCommand = []),
                    "names no program"
                ] do
                let error = errorOf (fun () -> new PresignedS3ExportSink(options) |> ignore)

                Expect.stringContains error.Message part "what is wrong")

        testCase "shows no secret in the text of a request and a response" (fun () ->
            let response =
                PresignedUrlResponse(
                    $"https://h/k?X-Amz-Signature={secret}",
                    Headers = Dictionary(dict [ "x-gateway", secret ])
                )

            let request =
                PresignedUrlRequest("a", "b", "k", 1, Headers = Dictionary(dict [ "x-gateway", secret ]))

            for text in [ string response; string request ] do
                Expect.isFalse (text.Contains secret) text
                Expect.stringContains text "x-gateway" "the name")

        testCase "a token that others can read is advised against" (fun () ->
            linuxOnly ()
            use folder = new Folder()
            let file = folder.Write("token", Encoding.ASCII.GetBytes token)

            let findings mode =
                File.SetUnixFileMode(file, mode)

                S3ExportConfiguration
                    .Resolve(
                        S3ExportSpec.Create [ S3ExportTarget(Name = "one", Bucket = bucket) ],
                        null,
                        environment [
                            "CELLOS_EXPORT_S3_BROKER_URL__ONE", "https://broker.example/"
                            "CELLOS_EXPORT_S3_BROKER_TOKEN_FILE__ONE", file
                        ]
                    )
                    .Findings
                |> Seq.map (fun finding -> finding.Id, finding.Variable)
                |> List.ofSeq

            let own = UnixFileMode.UserRead ||| UnixFileMode.UserWrite
            Expect.isEmpty (findings own) "the owner alone"

            Expect.equal
                (findings (own ||| UnixFileMode.OtherRead))
                [ "token-readable", "CELLOS_EXPORT_S3_BROKER_TOKEN_FILE__ONE" ]
                "others")
    ]
