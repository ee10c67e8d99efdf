/// Headers that a caller asks for, on the wire and in a store that checks signatures.
module Facade.Tests.HeaderTests

open System
open System.Collections.Generic
open System.IO
open System.Net
open System.Net.Http
open System.Security.Cryptography
open System.Threading.Tasks
open Amazon.Runtime
open Amazon.S3
open Amazon.S3.Model
open CellOS.Export
open CellOS.Export.S3
open Expecto
open LoopbackS3
open Facade.Tests.Support

/// 256 bits in Base64, as SSE-C wants them: with '+', '/' and '='.
let private key =
    Convert.ToBase64String(Array.init 32 (fun i -> byte (0xfb + i * 7)))

let private keyMd5 =
    Convert.ToBase64String(MD5.HashData(Convert.FromBase64String key))

let private token = "gateway-5ecret-token"

let private dictionary (headers: (string * string) list) : IReadOnlyDictionary<string, string> =
    Dictionary(dict headers)

let private metadata (headers: (string * string) list) =
    ExportArtifactMetadata(Headers = dictionary headers)

let private options (url: string) (headers: (string * string) list) =
    PresignedS3ExportSinkOptions(
        PresignedUrl = url,
        CellId = cellId,
        Bucket = bucket,
        RetryBackoff = TimeSpan.Zero,
        Headers = dictionary headers
    )

let private presigned (scene: Scene) (headers: (string * string) list) =
    scene.Server.Presign("PUT", bucket, scene.Key, headers = dictionary headers)

let private refusalOf (build: unit -> PresignedS3ExportSink) =
    try
        use _ = build ()
        failtest "a sink where a refusal was expected"
    with :? ArgumentException as error ->
        error.Message

let private worm = [
    "x-amz-object-lock-mode", "COMPLIANCE"
    "x-amz-object-lock-retain-until-date", "2036-01-01T00:00:00Z"
    "x-amz-server-side-encryption-customer-algorithm", "AES256"
    "x-amz-server-side-encryption-customer-key", key
    "x-amz-server-side-encryption-customer-key-MD5", keyMd5
]

/// Everything that is told of a push that fails.
let private told (options: PresignedS3ExportSinkOptions) (own: ExportArtifactMetadata) path reply =
    task {
        let log = LogBook()

        use sink =
            new PresignedS3ExportSink(
                options,
                new HttpMessageInvoker(new Scripted(reply)),
                TimeProvider.System,
                log,
                (fun () -> 0.5)
            )

        let! failure = failureOf (fun () -> sink.PushAsync("a", path, own))

        return
            String.Join(
                "\n",
                [
                    failure.ToString()
                    failure.ToJson()
                    own.ToString()
                    ExportArtifact("a", path, own).ToString()
                    string sink
                    string options
                ]
                @ log.Lines
            )
    }

[<Tests>]
let tests =
    testList "headers" [
        testCaseTask "stand on the wire as they were asked for, and no other does" (fun () ->
            task {
                let head = TaskCompletionSource<string>()

                use server =
                    new RawServer(fun _ connection ->
                        task {
                            let! text = connection.ReadHead()
                            head.SetResult text
                            do! connection.Read 100L
                            do! connection.Send "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
                        })

                use folder = new Folder()
                let path = folder.Write("f", patterned 100)

                use sink =
                    new PresignedS3ExportSink(
                        options
                            (server.Url "/bucket/x")
                            (worm @ [ "Cache-Control", "no-store, max-age=0"; "X-Amz-Meta-Run", "1" ])
                    )

                let own =
                    ExportArtifactMetadata(
                        ContentType = "text/plain",
                        Headers =
                            dictionary [
                                "x-amz-meta-run", "  two  words\tand more "
                                "x-amz-meta-note", "=?UTF-8?B?w7w=?="
                                "Expires", "Thu, 01 Jan 2037 00:00:00 GMT"
                                "Content-Encoding", "identity"
                                "Content-Disposition", "attachment; filename=\"a b\""
                                "User-Agent", "exporter/1 (a; b)"
                                "x-amz-tagging", "a=b&c=d"
                            ]
                    )

                let! _ = sink.PushAsync("a", path, own)
                let! head = head.Task

                let lines =
                    head.TrimEnd().Split("\r\n")
                    |> Array.skip 1
                    |> Array.filter (fun line -> not (line.StartsWith "Host: "))
                    |> Array.sort

                Expect.sequenceEqual
                    lines
                    ([
                        yield! worm |> List.map (fun (name, value) -> $"{name}: {value}")
                        "Cache-Control: no-store, max-age=0"
                        "Content-Disposition: attachment; filename=\"a b\""
                        "Content-Encoding: identity"
                        "Content-Length: 100"
                        "Content-Type: text/plain"
                        "Expires: Thu, 01 Jan 2037 00:00:00 GMT"
                        "User-Agent: exporter/1 (a; b)"
                        "x-amz-meta-note: =?UTF-8?B?w7w=?="
                        "x-amz-meta-run: two  words\tand more"
                        "x-amz-tagging: a=b&c=d"
                     ]
                     |> List.sort)
                    "octet for octet, each once"
            })

        testCaseTask "that are signed satisfy the signature, whoever asks for them" (fun () ->
            task {
                use! scene = scene "a" (patterned 1000)
                let meta = [ "x-amz-meta-run", "two  words" ]
                let all = ("Cache-Control", "no-store") :: worm @ meta
                let url = presigned scene all

                for general, own in [ all, []; [], all; worm, ("cache-control", "no-store") :: meta ] do
                    use sink = new PresignedS3ExportSink(options url general)
                    let! receipt = sink.PushAsync("a", scene.Path, metadata own)
                    receipt |> isTrueOf scene
                    let stored = Expect.wantSome scene.Stored "an object"

                    for name, value in all do
                        Expect.equal stored.Headers[name] value name
            })

        testCaseTask
            "that are signed with another value are refused by the store, and the key is not told"
            (fun () ->
                task {
                    use! scene = scene "a" (patterned 1000)
                    let url = presigned scene worm

                    let others =
                        worm
                        |> List.map (fun (name, value) ->
                            name, (if name.EndsWith "mode" then "GOVERNANCE" else value))

                    use sink = new PresignedS3ExportSink(options url others)
                    let! failure = failureOf (fun () -> sink.PushAsync("a", scene.Path))
                    Expect.equal failure.ErrorCode "SignatureDoesNotMatch" "S3's word"

                    Expect.isFalse
                        (failure.ToString().Contains key)
                        "no key, though S3 echoes all that was signed"
                })

        testCaseTask "that the signature does not cover are never sent" (fun () ->
            task {
                use! scene = scene "a" (patterned 10)
                let run = [ "X-Amz-Meta-Run", "42" ]

                let refused = refusalOf (fun () -> new PresignedS3ExportSink(options scene.Url run))
                Expect.stringContains refused "'x-amz-meta-run'" "when the sink is built"
                Expect.stringContains refused "X-Amz-SignedHeaders" "what to do"

                use sink = sinkFor scene.Url
                let! late = failureOf (fun () -> sink.PushAsync("a", scene.Path, metadata run))
                Expect.equal late.Kind ExportFailureKind.UrlUnusable "or before the push"
                Expect.stringContains late.Message "'x-amz-meta-run'" "which"
                Expect.equal late.Attempts 0 "without an attempt"

                use asking =
                    new PresignedS3ExportSink(
                        PresignedS3ExportSinkOptions(
                            PresignedUrlProvider = (fun _ _ -> ValueTask<string> scene.Url),
                            CellId = cellId,
                            Bucket = bucket,
                            Headers = dictionary run
                        )
                    )

                let! asked = failureOf (fun () -> asking.PushAsync("a", scene.Path))
                Expect.equal asked.Kind ExportFailureKind.UrlUnusable "as of a URL that is asked for"

                let manifest = scene.Folder.At "urls.json"
                CompositionSupport.writeManifest manifest [ "a", scene.Url ]

                use listed =
                    new PresignedS3ExportSink(
                        PresignedS3ExportSinkOptions(
                            PresignedUrlsFile = manifest,
                            CellId = cellId,
                            Bucket = bucket,
                            Headers = dictionary run
                        )
                    )

                let! found = failureOf (fun () -> listed.PushAsync("a", scene.Path))
                Expect.equal found.Kind ExportFailureKind.UrlUnusable "and of one in a manifest"
                Expect.isEmpty scene.Server.Requests "nothing was sent"
                // What no signature has to cover goes along.
                let! receipt =
                    sink.PushAsync("a", scene.Path, metadata [ "Cache-Control", "no-store" ])

                receipt |> isTrueOf scene
            })

        testCaseTask "that are signed and missing are named, with how to supply them" (fun () ->
            task {
                use! scene = scene "a" (patterned 10)
                let url = presigned scene [ "x-amz-meta-run", "42"; "content-type", "text/plain" ]
                use sink = sinkFor url
                let! failure = failureOf (fun () -> sink.PushAsync("a", scene.Path))
                Expect.equal failure.Kind ExportFailureKind.UrlUnusable "kind"

                for part in [ "'content-type'"; "'x-amz-meta-run'"; "ContentType"; "Headers"; "--header" ] do
                    Expect.stringContains failure.Message part part

                Expect.isEmpty scene.Server.Requests "nothing was sent"
            })

        testCaseTask
            "that are no headers, or not the caller's, are refused before anything is sent"
            (fun () ->
                task {
                    use! scene = scene "a" (patterned 10)
                    use sink = sinkFor scene.Url

                    for name, value, part in
                        [
                            "Host", "h", "'Host'"
                            "Authorization", token, "'Authorization'"
                            "content-md5", "x", "ContentMd5"
                            "x-a\r\nHost", "h", "U+000D"
                            "x-a", $"{token}\r\nHost: h", "U+000D"
                            "x-a", "ü", "RFC 2047"
                            "x-a", "", "no value"
                        ] do
                        let refused =
                            refusalOf (fun () ->
                                new PresignedS3ExportSink(options scene.Url [ name, value ]))

                        Expect.stringContains refused part name
                        Expect.isFalse (refused.Contains token) refused

                        let push () =
                            sink.PushAsync("a", scene.Path, metadata [ name, value ]) |> ignore

                        Expect.throwsT<ArgumentException> push name

                        let many () =
                            sink.PushManyAsync [ ExportArtifact("a", scene.Path, metadata [ name, value ]) ]
                            |> ignore

                        Expect.throwsT<ArgumentException> many name

                    Expect.throwsT<ArgumentException>
                        (fun () ->
                            sink.PushAsync("a", scene.Path, metadata [ "x-a", "1"; "X-A", "2" ]) |> ignore)
                        "one name twice"

                    Expect.isEmpty scene.Server.Requests "nothing was sent"
                })

        testCaseTask "are those of each artifact in a batch" (fun () ->
            task {
                use! server = LoopbackS3Server.StartAsync(LoopbackS3Options())
                use folder = new Folder()
                let path = folder.Write("f", patterned 100)
                let run (name: string) = [ "x-amz-meta-name", name ]

                use sink =
                    new PresignedS3ExportSink(
                        PresignedS3ExportSinkOptions(
                            // A broker signs what it is told that the request will carry.
                            PresignedUrlProvider =
                                (fun request _ ->
                                    Expect.isFalse (request.ToString().Contains key) "no value is shown"

                                    ValueTask<string>(
                                        server.Presign(
                                            "PUT",
                                            request.Bucket,
                                            request.Key,
                                            headers = request.Headers
                                        )
                                    )),
                            CellId = cellId,
                            Bucket = bucket,
                            WriteOnce = true,
                            Headers = dictionary worm
                        )
                    )

                let artifacts = [
                    for i in 1..8 ->
                        ExportArtifact(
                            $"{i}",
                            path,
                            ExportArtifactMetadata(
                                ContentType = "text/plain",
                                Headers = dictionary (run $"{i}")
                            )
                        )
                ]

                let results = sink.PushManyAsync(artifacts).GetAsyncEnumerator()
                let mutable going = true

                while going do
                    let! more = results.MoveNextAsync()
                    going <- more

                    if more then
                        Expect.isTrue results.Current.IsExported (results.Current.ToJson())

                do! results.DisposeAsync()
                Expect.equal server.Objects.Count 8 "all of them"

                for stored in server.Objects do
                    let headers = stored.Value.Headers
                    let struct (_, stored) = stored.Key
                    Expect.equal headers["x-amz-meta-name"] (stored.Substring(cellId.Length + 1)) "its own"
                    Expect.equal headers["x-amz-object-lock-mode"] "COMPLIANCE" "the sink's"
                    Expect.equal headers["Content-Type"] "text/plain" "the media type"
                    Expect.equal headers["If-None-Match"] "*" "never overwritten"
            })

        testCaseTask "of the AWS SDK's presigner are satisfied" (fun () ->
            task {
                use! scene = scene "a" (patterned 1000)
                let options' = LoopbackS3Options()

                use client =
                    new AmazonS3Client(
                        BasicAWSCredentials(options'.AccessKey, options'.SecretKey),
                        AmazonS3Config(
                            ServiceURL = string scene.Server.Endpoint,
                            ForcePathStyle = true,
                            AuthenticationRegion = options'.Region
                        )
                    )

                let request =
                    GetPreSignedUrlRequest(
                        BucketName = bucket,
                        Key = scene.Key,
                        Verb = HttpVerb.PUT,
                        Protocol = Protocol.HTTP,
                        Expires = DateTime.UtcNow.AddMinutes 10.,
                        ContentType = "text/plain",
                        ServerSideEncryptionMethod = ServerSideEncryptionMethod.AES256
                    )

                request.Metadata.Add("run", "42")
                request.Headers["x-amz-object-lock-mode"] <- "GOVERNANCE"
                request.Headers["Cache-Control"] <- "no-store"
                let url = client.GetPreSignedURL request

                let asked = [
                    "X-Amz-Meta-Run", "42"
                    "x-amz-server-side-encryption", "AES256"
                    "x-amz-object-lock-mode", "GOVERNANCE"
                    "Cache-Control", "no-store"
                ]

                use bare = sinkFor url
                let! missing = failureOf (fun () -> bare.PushAsync("a", scene.Path))
                Expect.equal missing.Kind ExportFailureKind.UrlUnusable "it signs them"
                Expect.isEmpty scene.Puts "nothing was sent"

                use sink = new PresignedS3ExportSink(options url asked)

                let! receipt =
                    sink.PushAsync("a", scene.Path, ExportArtifactMetadata(ContentType = "text/plain"))

                receipt |> isTrueOf scene
            })

        testCaseTask "with a checksum have it confirmed by the store" (fun () ->
            task {
                use! scene = scene "a" (patterned 1000)
                let right = Convert.ToBase64String(SHA256.HashData scene.Content)
                let wrong = Convert.ToBase64String(SHA256.HashData [| 1uy |])

                for checksum in [ wrong; right ] do
                    let header = [ "x-amz-checksum-sha256", checksum ]
                    use sink = new PresignedS3ExportSink(options (presigned scene header) header)

                    if checksum = right then
                        let! receipt = sink.PushAsync("a", scene.Path)
                        Expect.equal receipt.Integrity "checksum-sha256" "confirmed"
                        receipt |> isTrueOf scene
                    else
                        let! failure = failureOf (fun () -> sink.PushAsync("a", scene.Path))
                        Expect.equal failure.Kind ExportFailureKind.IntegrityMismatch "refused"
                        Expect.isNone scene.Stored "nothing is stored"
            })

        testCaseTask "whose values are secrets are told by nobody, whoever says them" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.Write("f", patterned 100)

                // So often that the limit of a detail lies in the midst of a secret.
                let spoken (request: HttpRequestMessage) =
                    let headers = string request.Headers
                    Expect.stringContains headers key "they were sent"
                    let many = String.Join(" ", Seq.replicate 30 $"{token} {key}")
                    $"{many} {headers} {Uri.EscapeDataString key}"

                let replying (status: int) code =
                    fun (request: HttpRequestMessage) _ ->
                        task {
                            let! _ = drain request
                            let safe = nonNull (Security.SecurityElement.Escape(spoken request))
                            let response = new HttpResponseMessage(enum<HttpStatusCode> status)

                            response.Content <-
                                new StringContent(
                                    $"<Error><Code>{code}</Code><Message>{safe}</Message><RequestId>{token}</RequestId></Error>"
                                )

                            response.Headers.TryAddWithoutValidation("x-amz-id-2", key) |> ignore
                            response.Headers.TryAddWithoutValidation("ETag", key) |> ignore
                            return response
                        }

                let throwing (make: string -> exn) =
                    fun (request: HttpRequestMessage) _ ->
                        task {
                            let error = make (spoken request)
                            return raise error
                        }

                for reply in
                    [
                        replying 400 "InvalidRequest"
                        replying 403 token
                        replying 503 "SlowDown"
                        throwing (fun said -> HttpRequestException said)
                        throwing (fun said -> InvalidOperationException(said, IOException said))
                    ] do
                    let! text =
                        told
                            (options "https://gateway.example/x" (worm @ [ "X-Api-Key", token ]))
                            (metadata [ "X-Own-Token", token + "-2" ])
                            path
                            reply

                    for secret in [ key.Substring(0, 12); Uri.EscapeDataString key; token.Substring(0, 12) ] do
                        Expect.isFalse (text.Contains secret) text
            })

        testCase "with a customer's key are for https, or for this host" (fun () ->
            let build url =
                new PresignedS3ExportSink(options url worm)

            let refused = refusalOf (fun () -> build "http://gateway.example/x")
            Expect.stringContains refused "in the clear" "why"
            Expect.isFalse (refused.Contains key) "no key"
            use _ = build "https://gateway.example/x"
            use _ = build "http://127.0.0.1:9000/x"
            ())
    ]
