/// No secret is shown of URLs of any store, of URLs in wrong places, and of what a connection brings along.
module Facade.Tests.EchoTests

open System
open System.IO
open System.Net
open System.Net.Http
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Decoding
open Expecto
open FsCheck.FSharp
open Facade.Tests.Support

let private echoedHeaders = [
    "ETag"
    "x-amz-version-id"
    "x-amz-request-id"
    "x-amz-id-2"
    "x-amz-checksum-crc64nvme"
    "x-amz-checksum-type"
    "x-amz-server-side-encryption"
    "Retry-After"
    "x-amz-retry-after"
    "x-amz-bucket-region"
    "x-goog-hash"
    "x-guploader-uploadid"
    "x-ms-request-id"
    "x-oss-request-id"
    "x-cos-request-id"
    "opc-request-id"
    "cf-ray"
    "x-trans-id"
    "Server"
]

/// A URL of any store, and a response that echoes its secrets wherever there is a text, in any spelling.
let private exchanges =
    gen {
        let! planted = Urls.ofAnyStore

        let! texts =
            Gen.elements planted.Echoes
            |> Gen.bind Texts.spelled
            |> Gen.map (fun text -> $"see {text} there")
            |> Gen.listOfLength 12

        let! status =
            Gen.elements [ 200; 204; 307; 400; 403; 404; 409; 412; 500; 503; -1; -2 ]

        let! body = Gen.elements [ "text"; "html"; "json"; "xml"; "xml"; "xml" ]

        return planted, texts, status, body
    }

let private respond (texts: string list) (status: int) (body: string) (request: HttpRequestMessage) =
    task {
        let! _ = drain request

        if status = -1 then
            raise (HttpRequestException(texts[0], IOException(texts[1], InvalidOperationException texts[2])))

        if status = -2 then
            raise (HttpRequestException(HttpRequestError.InvalidResponse, texts[0]))

        let response = new HttpResponseMessage(enum<HttpStatusCode> status)

        for i, header in List.indexed echoedHeaders do
            response.Headers.TryAddWithoutValidation(header, texts[i % texts.Length])
            |> ignore

        let safe (text: string) = WebUtility.HtmlEncode text

        let media, text =
            match body with
            | "xml" ->
                "application/xml",
                $"<Error><Code>AccessDenied</Code><Message>{safe texts[0]}</Message><RequestId>{safe texts[1]}</RequestId>"
                + $"<HostId>{safe texts[2]}</HostId><Region>{safe texts[3]}</Region><Endpoint>{safe texts[4]}</Endpoint>"
                + $"<StringToSign>{safe texts[5]}</StringToSign><CanonicalRequest>{safe texts[6]}</CanonicalRequest>"
                + $"<AuthenticationErrorDetail>{safe texts[7]}</AuthenticationErrorDetail>"
                + $"<OSSAccessKeyId>{safe texts[8]}</OSSAccessKeyId><HeaderName>{safe texts[9]}</HeaderName></Error>"
            | "html" -> "text/html", $"<html><title>{safe texts[0]}</title><p>{safe texts[1]}</p></html>"
            | "json" -> "application/json", Text.Json.JsonSerializer.Serialize {| message = texts[0] |}
            | _ -> "text/plain", texts[0]

        response.Content <- new StringContent(text, Text.Encoding.UTF8, media)
        return response
    }

/// All that can be read of a push: what it ends with, what is logged, spans and metrics.
let private told (url: string) (path: string) respond =
    task {
        let log = LogBook()
        let target = Listeners.newTarget ()
        use spans = new Listeners.Spans()
        use metrics = new Listeners.Metrics()

        use sink =
            new PresignedS3ExportSink(
                PresignedS3ExportSinkOptions(
                    PresignedUrl = url,
                    CellId = "cell-1",
                    Bucket = bucket,
                    TargetName = target,
                    MaxAttempts = 2,
                    RetryBackoff = TimeSpan.Zero,
                    MaxRetryBackoff = TimeSpan.Zero
                ),
                new HttpMessageInvoker(new Scripted(fun request _ -> respond request)),
                // The made-up moment at which the URLs are valid.
                FakeTime Urls.noon,
                log,
                (fun () -> 0.5)
            )

        let! outcome =
            task {
                try
                    let! receipt = sink.PushAsync("logs/out.txt", path)

                    return [
                        receipt.ToJson()
                        receipt.ToCloudEvent()
                        receipt.ToInTotoStatement()
                        string receipt
                    ]
                with :? ExportException as failure ->
                    return [
                        failure.ToString()
                        failure.Message
                        failure.ToJson()
                        failure.ToCloudEvent Urls.noon
                        failure.RequestId |> Option.ofObj |> Option.defaultValue ""
                        failure.ErrorCode |> Option.ofObj |> Option.defaultValue ""
                    ]
            }

        return
            outcome
            @ log.Lines
            @ (spans.Of target |> List.map Listeners.textOf)
            @ (metrics.Of target |> List.map (sprintf "%A"))
    }

let private secret = "5ecretpassw0rdt0ken"

/// URLs whose queries are secrets, by names that are known and by others.
let private misplaced = [
    for query in
        [
            $"X-Goog-Signature={secret}"
            $"sig={secret}&se=1"
            $"token={secret}"
            $"private_token={secret}"
            $"foo={secret}"
            secret
            $"X-Amz-Date=1&x={secret}"
        ] do
        $"https://gw.example/put?{query}"
    $"https://o.example/p/{secret}/n/space/b/evidence/o/a"
    $"https://user:{secret}@gw.example/put"
    $"https://gw.example/put#{secret}"
]

let private showsNone (where: string) (text: string) =
    Expect.isEmpty (readable [ secret ] text) $"{where}: {text}"

/// The message of the exception that the call throws.
let private messageOf (call: unit -> unit) =
    let message =
        try
            call ()
            None
        with error ->
            Some(error.ToString())

    Expect.wantSome message "a refusal"

/// The heads of two requests of one sink, to a server that sets a cookie and answers with this header.
let private heads (header: string) =
    task {
        let heads = Collections.Concurrent.ConcurrentQueue<string>()

        use server =
            new RawServer(fun _ connection ->
                task {
                    let mutable go = true

                    while go do
                        let! head = connection.ReadHead()

                        if head = "" then
                            go <- false
                        else
                            heads.Enqueue head
                            do! connection.Read 10L

                            do!
                                connection.Send
                                    $"HTTP/1.1 200 OK\r\nETag: \"{md5 (patterned 10)}\"\r\nSet-Cookie: session=abc; Path=/\r\n{header}Content-Length: 0\r\n\r\n"
                })

        use folder = new Folder()
        let path = folder.Write("f", patterned 10)

        use sink =
            sinkFor (server.Url $"/{cellId}/{{artifact_name}}?X-Amz-Signature=0123456789")

        let! first = sink.PushAsync("a", path)
        let! _ = sink.PushAsync("b", path)
        return List.ofSeq heads, first
    }

[<Tests>]
let tests =
    testList "echoes" [
        testCaseTask "no secret of a URL of any store is shown, however the server spells it" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.Write("f", patterned 10)
                let mutable sent = 0
                let mutable rounds = 0

                // Most URLs are rejected before sending: expired, incomplete, of another object.
                while sent < 60 && rounds < 40 do
                    rounds <- rounds + 1

                    for planted, texts, status, body in Gen.sample 50 exchanges do
                        let! shown =
                            told planted.Url path (fun request ->
                                sent <- sent + 1
                                respond texts status body request)

                        for text in shown do
                            Expect.isEmpty (readable planted.Secrets text) text

                Expect.isGreaterThan sent 59 "requests that were echoed"
            })

        testCase "an option with a URL in the wrong place is refused without its query" (fun () ->
            for url in misplaced do
                let options = [
                    "KeyPrefix",
                    PresignedS3ExportSinkOptions(
                        PresignedUrl = "https://h/x",
                        CellId = cellId,
                        Bucket = bucket,
                        KeyPrefix = url
                    )
                    "KeyPrefix within",
                    PresignedS3ExportSinkOptions(
                        PresignedUrl = "https://h/x",
                        CellId = cellId,
                        Bucket = bucket,
                        KeyPrefix = "a/" + url
                    )
                    "Bucket",
                    PresignedS3ExportSinkOptions(PresignedUrl = "https://h/x", CellId = cellId, Bucket = url)
                    "Bucket, a part",
                    PresignedS3ExportSinkOptions(
                        PresignedUrl = "https://h/x",
                        CellId = cellId,
                        Bucket = "put?x=" + secret
                    )
                    "CellId",
                    PresignedS3ExportSinkOptions(PresignedUrl = "https://h/x", CellId = url, Bucket = bucket)
                    "Region",
                    PresignedS3ExportSinkOptions(
                        PresignedUrl = "https://h/x",
                        CellId = cellId,
                        Bucket = bucket,
                        Region = url
                    )
                    "TargetName",
                    PresignedS3ExportSinkOptions(
                        PresignedUrl = "https://h/x",
                        CellId = cellId,
                        Bucket = bucket,
                        TargetName = url
                    )
                    "CaBundle",
                    PresignedS3ExportSinkOptions(
                        PresignedUrl = "https://h/x",
                        CellId = cellId,
                        Bucket = bucket,
                        CaBundle = url
                    )
                    "Headers",
                    PresignedS3ExportSinkOptions(
                        PresignedUrl = "https://h/x",
                        CellId = cellId,
                        Bucket = bucket,
                        Headers = readOnlyDict [ url, "x" ]
                    )
                ]

                for name, options in options do
                    showsNone name (messageOf (fun () -> (new PresignedS3ExportSink(options)).Dispose())))

        testCaseTask "a path or a manifest that is a URL is shown without its query" (fun () ->
            task {
                use folder = new Folder()

                for url in misplaced do
                    for place in [ url; folder.At url; folder.At(url.Replace("//", "/")) ] do
                        let log = LogBook()

                        use sink =
                            new PresignedS3ExportSink(
                                optionsFor "https://h.invalid/x",
                                TimeProvider.System,
                                log
                            )

                        let! failure = failureOf (fun () -> sink.PushAsync("a", place))
                        Expect.equal failure.Kind ExportFailureKind.SourceNotFound "not there"
                        showsNone "PushAsync" (failure.ToString() + failure.ToJson() + string log.Lines)

                        showsNone
                            "PresignedUrlsFile"
                            (messageOf (fun () ->
                                (new PresignedS3ExportSink(
                                    PresignedS3ExportSinkOptions(
                                        CellId = cellId,
                                        Bucket = bucket,
                                        PresignedUrlsFile = place
                                    )
                                ))
                                    .Dispose()))

                        showsNone
                            "S3ExportSpec.Load"
                            (messageOf (fun () -> S3ExportSpec.Load place |> ignore))
            })

        testCaseTask "an artifact's name that is a URL is refused without its query" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.Write("f", patterned 10)
                use sink = new PresignedS3ExportSink(optionsFor "https://h.invalid/x")

                for url in misplaced do
                    showsNone "PushAsync" (messageOf (fun () -> sink.PushAsync(url, path) |> ignore))
                    showsNone "DestinationHint" (messageOf (fun () -> sink.DestinationHint url |> ignore))

                    showsNone
                        "PushManyAsync"
                        (messageOf (fun () ->
                            sink.PushManyAsync [ ExportArtifact(Name = url, Path = path) ] |> ignore))
            })

        testCase "a variable with a URL in the wrong place is shown without its query" (fun () ->
            let spec = S3ExportSpec.Create [ S3ExportTarget(Name = "t", Bucket = bucket) ]

            for url in misplaced do
                for variable in
                    [
                        "CELLOS_CA_BUNDLE"
                        "CELLOS_EXPORT_S3_TIMEOUT_MS"
                        "CELLOS_EXPORT_S3_PRESIGNED_URLS_FILE__T"
                        "CELLOS_EXPORT_S3_REGION__T"
                        "CELLOS_EXPORT_S3_INTEGRITY__T"
                        "CELLOS_EXPORT_S3_MAX_ATTEMPTS__T"
                        "CELLOS_STRICT_CONFIG"
                        "HTTPS_PROXY"
                        "NO_PROXY"
                    ] do
                    let environment =
                        readOnlyDict<string, string | null> [
                            "CELLOS_EXPORT_S3_PRESIGNED_URL__T", "https://h.invalid/{artifact_name}"
                            variable, url
                        ]

                    let configuration = S3ExportConfiguration.Resolve(spec, cellId, environment)

                    for text in
                        [
                            yield! configuration.Refusals |> Seq.map string
                            yield! configuration.Findings |> Seq.map string
                            for target in configuration.Targets do
                                string target
                                yield! target.Settings |> Seq.map string
                            yield! configuration.Globals |> Seq.map string
                        ] do
                        showsNone variable text

                    try
                        use _ = S3ExportSinks.Create(spec, cellId, environment)
                        ()
                    with error ->
                        showsNone variable (error.ToString()))

        testCase "the settings of a URL of any store are told without its secrets" (fun () ->
            let spec = S3ExportSpec.Create [ S3ExportTarget(Name = "t", Bucket = bucket) ]

            for planted in Gen.sample 100 Urls.ofAnyStore do
                let configuration =
                    S3ExportConfiguration.Resolve(
                        spec,
                        "cell-1",
                        readOnlyDict<string, string | null> [
                            "CELLOS_EXPORT_S3_PRESIGNED_URL__T", planted.Url
                        ]
                    )

                for text in
                    [
                        yield! configuration.Refusals |> Seq.map string
                        yield! configuration.Findings |> Seq.map string
                        for target in configuration.Targets do
                            string target
                            yield! target.Settings |> Seq.map string
                    ] do
                    Expect.isEmpty (readable planted.Secrets text) text)

        testCaseTask "the sink's own handler keeps no cookie" (fun () ->
            task {
                let! heads, _ = heads ""
                Expect.hasLength heads 2 "two requests"

                for head in heads do
                    Expect.isFalse (head.Contains("Cookie", StringComparison.OrdinalIgnoreCase)) head
            })

        testCaseTask "a header of more than 1,024 characters is ignored" (fun () ->
            task {
                let! _, receipt =
                    heads
                        $"x-amz-request-id: {String('r', 1025)}\r\nx-amz-version-id: {String('v', 1024)}\r\n"

                Expect.isNull receipt.RequestId "too long"

                Expect.equal
                    receipt.VersionId
                    (String('v', 512) + "…")
                    "long enough, and cut where it is shown"
            })
    ]
