module Facade.Tests.SecretTests

open System
open System.IO
open System.Net
open System.Net.Http
open System.Net.Sockets
open System.Reflection
open System.Text
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Facade.Tests.Support

/// A secret in every place where a URL can hold one, in several spellings.
let private signature =
    "5ec7e75164a7u7e0000000000000000000000000000000000000000000000000"

let private accessKey = "AKIASECRETSECRET1234"
let private token = "FwoGZXIvYXdzE5ecret/t0ken+with=signs"
let private v2Signature = "5ecretV2/Signature+=="
let private gatewayToken = "gateway-5ecret-token"

let private secrets = [
    signature
    accessKey
    token
    Uri.EscapeDataString token
    v2Signature
    Uri.EscapeDataString v2Signature
    gatewayToken
]

let private now = DateTimeOffset.UtcNow

let private v4 (signedAt: DateTimeOffset) (base': string) =
    let date = signedAt.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'")

    base'
    + "?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    + $"&X-Amz-Credential={accessKey}%%2F{date.Substring(0, 8)}%%2Feu-west-1%%2Fs3%%2Faws4_request"
    + $"&X-Amz-Date={date}&X-Amz-Expires=3600&X-Amz-SignedHeaders=host"
    + $"&X-Amz-Security-Token={Uri.EscapeDataString token}&x-amz-signature={signature}"

let private v2 (base': string) =
    base'
    + $"?AWSAccessKeyId={accessKey}&Expires=4102444800&Signature={Uri.EscapeDataString v2Signature}"

let private gateway (base': string) =
    base'.Replace("logs/a.txt", "{artifact_name}")
    + $"?access={gatewayToken}&X%%2DAmz%%2DSignature={signature}"

let private shapes = [ "SigV4", v4 now; "SigV2", v2; "a gateway's", gateway ]

/// All that a value shows: its text, its properties', and those of all that hangs on it.
let rec private show (depth: int) (value: objnull) : string =
    match value with
    | null -> ""
    | :? string as text -> text
    | value when depth = 0 -> string value
    | value ->
        let properties =
            value.GetType().GetProperties(BindingFlags.Public ||| BindingFlags.Instance)
            |> Seq.filter (fun property -> property.GetIndexParameters().Length = 0)
            |> Seq.map (fun property ->
                try
                    show (depth - 1) (property.GetValue value)
                with :? TargetInvocationException as error ->
                    show 0 error.InnerException)

        string value + "\n" + String.Join("\n", properties)

/// Ways in which a push fails, most of them with the server or the transport saying the secret out loud.
let private ways: (string * (HttpRequestMessage -> CancellationToken -> Task<HttpResponseMessage>)) list =
    let echo (request: HttpRequestMessage) =
        (nonNull request.RequestUri).OriginalString

    let throwing (make: string -> exn) =
        fun (request: HttpRequestMessage) (_: CancellationToken) ->
            task {
                let error = make (echo request)
                return raise error
            }

    let replying (make: string -> HttpResponseMessage) =
        fun (request: HttpRequestMessage) (_: CancellationToken) ->
            task {
                let! _ = drain request
                return make (echo request)
            }

    let xml (code: string) (extra: string -> string) status =
        replying (fun url ->
            let response = new HttpResponseMessage(enum<HttpStatusCode> status)

            let safe (text: string) =
                Security.SecurityElement.Escape text |> nonNull

            response.Content <-
                new StringContent(
                    $"<Error><Code>{code}</Code><Message>{safe (extra url)}</Message><RequestId>{safe url}</RequestId>"
                    + $"<Region>{safe url}</Region><Endpoint>{safe url}</Endpoint><AWSAccessKeyId>{accessKey}</AWSAccessKeyId>"
                    + $"<StringToSign>{safe url}</StringToSign><SignatureProvided>{signature}</SignatureProvided></Error>"
                )

            for header in
                [
                    "x-amz-request-id"
                    "x-amz-id-2"
                    "ETag"
                    "x-amz-version-id"
                    "Retry-After"
                    "x-amz-bucket-region"
                ] do
                response.Headers.TryAddWithoutValidation(header, url) |> ignore

            response.Headers.Location <- Uri(url, UriKind.Absolute)
            response)

    [
        "an HttpRequestException that names the URL",
        throwing (fun url -> HttpRequestException $"GET {url} failed")
        "a chain of exceptions",
        throwing (fun url ->
            HttpRequestException("outer " + url, IOException("inner " + url, InvalidOperationException url)))
        "a connection error",
        throwing (fun url -> HttpRequestException(HttpRequestError.ConnectionError, url, SocketException 111))
        "a proxy error",
        throwing (fun url -> HttpRequestException(HttpRequestError.ProxyTunnelError, "proxy said " + url))
        "a protocol error",
        throwing (fun url -> HttpRequestException(HttpRequestError.InvalidResponse, "bad line: " + url))
        "a bug of a handler", throwing (fun url -> InvalidOperationException("bad: " + url))
        "403 with all that S3 echoes",
        xml
            "SignatureDoesNotMatch"
            (fun url -> "The request signature we calculated does not match: " + url)
            403
        "403 expired", xml "AccessDenied" (fun url -> "Request has expired: " + url) 403
        "a code that is the secret", xml accessKey id 400
        "307", xml "TemporaryRedirect" id 307
        "503", xml "SlowDown" id 503
        "400 BadDigest", xml "BadDigest" id 400
        "412", xml "PreconditionFailed" id 412
        "200 with the wrong ETag",
        replying (fun url ->
            let response = new HttpResponseMessage(HttpStatusCode.OK)

            response.Headers.TryAddWithoutValidation("ETag", "\"00000000000000000000000000000000\"")
            |> ignore

            response.Headers.TryAddWithoutValidation("x-amz-request-id", url) |> ignore
            response)
        "200 whose headers echo the URL", xml "None" id 200
        "a body that is the URL",
        replying (fun url ->
            new HttpResponseMessage(HttpStatusCode.BadGateway, Content = new StringContent(url)))
    ]

/// Those that a URL carries, plain and percent-encoded.
let private carriedBy (url: string) =
    secrets
    |> List.filter (fun secret -> url.Contains secret || url.Contains(Uri.EscapeDataString secret))

let private holdsNoSecretOf (url: string) (what: string) (text: string) =
    for secret in carriedBy url do
        if text.Contains(secret, StringComparison.OrdinalIgnoreCase) then
            failtest $"{what} holds a secret:\n{text}"

/// A push that ends in one way or the other, and everything that can be read of it.
let private told (options: PresignedS3ExportSinkOptions) path reply =
    task {
        let log = LogBook()
        let name = "logs/a.txt"
        use spans = new Listeners.Spans()
        use metrics = new Listeners.Metrics()

        use sink =
            new PresignedS3ExportSink(
                options,
                new HttpMessageInvoker(new Scripted(reply)),
                TimeProvider.System,
                log,
                (fun () -> 0.5)
            )

        let! outcome =
            task {
                try
                    let! receipt = sink.PushAsync(name, path)

                    return
                        receipt.ToJson()
                        + receipt.ToCloudEvent()
                        + receipt.ToInTotoStatement()
                        + show 3 receipt
                with :? ExportException as failure ->
                    return
                        failure.ToString()
                        + failure.ToJson()
                        + failure.ToCloudEvent now
                        + show 3 failure
            }

        let target = nonNull options.TargetName

        let heard =
            (spans.Of target |> List.map Listeners.textOf)
            @ (metrics.Of target |> List.map (sprintf "%A"))

        Expect.stringContains (String.concat "\n" heard) "cellos.export.attempt.number" "a span was heard"
        Expect.stringContains (String.concat "\n" heard) "cellos.export.duration" "metrics were heard"

        return
            String.Join("\n", outcome :: show 2 sink :: string options :: log.Lines @ heard),
            List.length log.Lines
    }

let private options url =
    PresignedS3ExportSinkOptions(
        PresignedUrl = url,
        CellId = cellId,
        Bucket = bucket,
        KeyPrefix = "audit",
        TargetName = Listeners.newTarget (),
        RetryBackoff = TimeSpan.Zero
    )

[<Tests>]
let tests =
    testList "no secret is told" [
        for shape, url in shapes do
            for way, reply in ways do
                testCaseTask $"of {shape} URL after {way}" (fun () ->
                    task {
                        use folder = new Folder()
                        let path = folder.Write("f", patterned 100)

                        let! text, lines =
                            told
                                (options (
                                    url "https://evidence.s3.eu-west-1.amazonaws.com/audit/cell-7/logs/a.txt"
                                ))
                                path
                                reply

                        Expect.isGreaterThan lines 0 "something was logged"
                        holdsNoSecretOf (url "") way text
                    })

        for shape, url in shapes do
            testCaseTask $"of {shape} URL by real faults of network and source" (fun () ->
                task {
                    use folder = new Folder()
                    let path = folder.Write("f", patterned 100)

                    for base' in
                        [
                            "http://127.0.0.1:1/x"
                            "http://no-such-host.invalid/x"
                            "https://127.0.0.1:1/x"
                        ] do
                        let log = LogBook()
                        use sink = new PresignedS3ExportSink(options (url base'), TimeProvider.System, log)
                        let! failure = failureOf (fun () -> sink.PushAsync("a", path))

                        holdsNoSecretOf
                            (url base')
                            base'
                            (failure.ToString() + show 3 failure + String.Join("\n", log.Lines))

                        let! failure = failureOf (fun () -> sink.PushAsync("a", folder.At "missing"))

                        holdsNoSecretOf
                            (url base')
                            base'
                            (failure.ToString() + show 3 failure + String.Join("\n", log.Lines))
                })

        testCaseTask "by an expired URL, before sending" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.Write("f", patterned 100)
                let log = LogBook()
                let url = v4 (now.AddHours -5.) "http://127.0.0.1:1/x"
                use sink = new PresignedS3ExportSink(options url, TimeProvider.System, log)
                let! failure = failureOf (fun () -> sink.PushAsync("a", path))
                Expect.equal failure.Kind ExportFailureKind.UrlExpired "kind"
                Expect.equal failure.Attempts 0 "no attempt"
                Expect.stringContains failure.Message "expired at" "when"

                holdsNoSecretOf
                    url
                    "the failure"
                    (failure.ToString() + show 3 failure + String.Join("\n", log.Lines))
            })

        testCase "when a URL is refused" (fun () ->
            for _, shape in shapes do
                let url = shape "https://evidence.s3.eu-west-1.amazonaws.com/x"

                for broken in
                    [
                        url + "\r\n" + "x"
                        url + " " + "x"
                        url + "#fragment"
                        url + "{oops}"
                        url + "ü"
                        url + "%"
                        url.Replace("https://", "ftp://")
                        url.Replace("https://", $"https://{signature}:{gatewayToken}@")
                        url.Replace("https://evidence", "https://{cell_id}")
                        url.Replace("s3.eu-west-1", ":x")
                    ] do
                    try
                        use _ = new PresignedS3ExportSink(broken, cellId, bucket, null, null, null, 1, 0L)
                        failtest "a sink where a refusal was expected"
                    with :? ArgumentException as error ->
                        holdsNoSecretOf broken "the refusal" (error.ToString())

            // Arguments in the wrong order are a likely mistake.
            let url = v4 now "https://evidence.s3.eu-west-1.amazonaws.com/x"

            for build in
                [
                    fun () -> new PresignedS3ExportSink("x", url, bucket, null, null, null, 1, 0L)
                    fun () -> new PresignedS3ExportSink(url, cellId, url, null, null, null, 1, 0L)
                    fun () -> new PresignedS3ExportSink(url, cellId, bucket, null, null, url, 1, 0L)
                ] do
                try
                    use _ = build ()
                    failtest "a sink where a refusal was expected"
                with :? ArgumentException as error ->
                    holdsNoSecretOf url "the refusal" (error.ToString()))
    ]
