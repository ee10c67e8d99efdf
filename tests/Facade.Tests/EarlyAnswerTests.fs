/// Answers that come before the body is out. What they say must not be lost, and must not be believed too far.
module Facade.Tests.EarlyAnswerTests

open System
open System.IO
open System.Net
open System.Net.Security
open System.Net.Sockets
open System.Security.Cryptography
open System.Security.Cryptography.X509Certificates
open System.Text
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Facade.Tests.Support

/// A server that reads one head, so many bytes of the body, and goes on as a test says.
type private HalfReader(certificate: X509Certificate2 option, take: int, goOn: Socket -> Stream -> Task) =
    let listener = new TcpListener(IPAddress.Loopback, 0)
    let mutable heads = 0

    let readHead (stream: Stream) =
        task {
            let text = StringBuilder()
            let one = Array.zeroCreate<byte> 1
            let mutable more = true

            while more do
                let! count = stream.ReadAsync one

                if count = 0 then
                    more <- false
                else
                    text.Append(char one[0]) |> ignore
                    more <- not (text.Length > 3 && text.ToString(text.Length - 4, 4) = "\r\n\r\n")

            return text.ToString()
        }

    let serve (socket: Socket) : Task =
        task {
            try
                use plain = new NetworkStream(socket, true)

                let! stream =
                    match certificate with
                    | None -> Task.FromResult(plain :> Stream)
                    | Some certificate ->
                        task {
                            let secure = new SslStream(plain)
                            do! secure.AuthenticateAsServerAsync certificate
                            return secure :> Stream
                        }

                let! head = readHead stream

                if head <> "" then
                    Threading.Interlocked.Increment &heads |> ignore

                    if head.Contains "100-continue" then
                        do! stream.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"B)

                    do! stream.ReadExactlyAsync(Array.zeroCreate<byte> take)
                    do! goOn socket stream
            with
            | :? IOException
            | :? SocketException
            | :? ObjectDisposedException ->
                // The client has gone; the test looks at the client.
                ()
        }

    let rec accept () : Task =
        task {
            let! socket = listener.AcceptSocketAsync()
            Task.Run(fun () -> serve socket) |> ignore
            return! accept ()
        }

    do
        listener.Start()
        accept () |> ignore

    member _.Heads = heads

    member _.Url =
        let scheme = if certificate.IsSome then "https" else "http"
        $"{scheme}://127.0.0.1:{(listener.LocalEndpoint :?> IPEndPoint).Port}/evidence/a"

    interface IDisposable with
        member _.Dispose() = listener.Stop()

let private selfSigned () =
    let key = RSA.Create 2048

    let request =
        CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)

    let names = SubjectAlternativeNameBuilder()
    names.AddIpAddress IPAddress.Loopback
    request.CertificateExtensions.Add(names.Build())

    use certificate =
        request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays -1., DateTimeOffset.UtcNow.AddDays 30.)

    X509CertificateLoader.LoadPkcs12(certificate.Export X509ContentType.Pfx, null)

let private denial =
    let body =
        "<Error><Code>AccessDenied</Code><Message>Access Denied</Message><RequestId>R1</RequestId></Error>"

    $"HTTP/1.1 403 Forbidden\r\nx-amz-request-id: R1\r\nContent-Length: {body.Length}\r\n\r\n{body}"
    |> Encoding.ASCII.GetBytes

let private say (bytes: byte[]) (stream: Stream) =
    task {
        do! stream.WriteAsync bytes
        do! stream.FlushAsync()
    }

let private reset (socket: Socket) =
    socket.LingerState <- LingerOption(true, 0)
    socket.Close()

/// What a server may do that has answered in the middle of the body.
let private afterwards: (string * (Socket -> Stream -> Task)) list = [
    "resets the connection", (fun socket _ -> Task.FromResult(reset socket))
    "closes with the rest of the body unread", (fun socket _ -> Task.FromResult(socket.Close()))
    "stops reading", (fun _ _ -> Task.Delay 20_000)
    "reads on slowly",
    (fun _ stream ->
        task {
            let buffer = Array.zeroCreate<byte> 4096

            for _ in 1..200 do
                let! _ = stream.ReadAsync buffer
                do! Task.Delay 50
        })
]

let private answering
    (bytes: byte[])
    (next: Socket -> Stream -> Task)
    (socket: Socket)
    (stream: Stream)
    : Task =
    task {
        do! say bytes stream
        do! next socket stream
    }

let private optionsTo (url: string) (bundle: string | null) (expectFrom: Nullable<int64>) =
    PresignedS3ExportSinkOptions(
        PresignedUrl = url,
        CellId = cellId,
        Bucket = bucket,
        CaBundle = bundle,
        RetryBackoff = TimeSpan.Zero,
        RequestTimeout = TimeSpan.FromSeconds 15.,
        ExpectContinueMinBytes = expectFrom
    )

let private push (options: PresignedS3ExportSinkOptions) (path: string) =
    task {
        use sink = new PresignedS3ExportSink(options)

        try
            let! receipt = sink.PushAsync("a", path)
            return Ok receipt
        with :? ExportException as failure ->
            return Error failure
    }

/// A file of so many bytes that takes no room.
let private sparse (folder: Folder) (size: int64) =
    let path = folder.At "large"
    use file = File.Create path
    file.SetLength size
    path

[<Tests>]
let tests =
    testList "an answer in the middle of the body" [
        for scheme in [ "http"; "https" ] do
            for expects, from in [ "100-continue", Nullable 1L; "nothing", Nullable() ] do
                for what, next in afterwards do
                    testCaseTask
                        $"that is a refusal is told as it is, over {scheme}, expecting {expects}, where the server {what}"
                        (fun () ->
                            task {
                                use folder = new Folder()
                                let path = sparse folder (64L <<< 20)

                                use certificate = selfSigned ()
                                let secure = scheme = "https"

                                let bundle: string | null =
                                    if secure then
                                        folder.Write(
                                            "ca.pem",
                                            Encoding.ASCII.GetBytes(certificate.ExportCertificatePem())
                                        )
                                    else
                                        null

                                use server =
                                    new HalfReader(
                                        (if secure then Some certificate else None),
                                        1_000_000,
                                        answering denial next
                                    )

                                let! outcome = push (optionsTo server.Url bundle from) path
                                let failure = Expect.wantError outcome "no receipt"
                                Expect.equal failure.Kind ExportFailureKind.Refused failure.Message
                                Expect.equal failure.StatusCode (Nullable 403) "status"
                                Expect.equal failure.ErrorCode "AccessDenied" "code"
                                Expect.equal failure.RequestId "R1" "request id"
                                Expect.equal failure.Attempts 1 "attempts"
                                Expect.isFalse failure.MayBeStored "certainly not stored"
                                Expect.equal server.Heads 1 "requests"
                            })

        // Larger than what two systems take in between them: the rest is known not to have left.
        testCaseTask "that is a success is none, also without 100-continue" (fun () ->
            task {
                use folder = new Folder()
                let path = sparse folder (64L <<< 20)

                // It reads the rest as well: nothing but the order tells that the success is none.
                use server =
                    new HalfReader(
                        None,
                        1000,
                        answering "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"B (fun _ stream ->
                            stream.CopyToAsync Stream.Null)
                    )

                let! outcome = push (optionsTo server.Url null (Nullable())) path
                let failure = Expect.wantError outcome "no receipt"
                Expect.equal failure.Kind ExportFailureKind.Unreachable failure.Message
                Expect.isTrue failure.MayBeStored "the server said that it stored something"
                Expect.equal server.Heads 3 "it is tried again, on a new connection each"
            })

        testCaseTask "ends the reading of the file" (fun () ->
            task {
                use folder = new Folder()
                let path = sparse folder (4L <<< 30)
                let told = ref 0L

                use server =
                    new HalfReader(None, 1_000_000, answering denial (fun _ _ -> Task.Delay 10_000))

                use sink = new PresignedS3ExportSink(optionsTo server.Url null (Nullable()))

                let progress = {
                    new IProgress<ExportProgress> with
                        member _.Report progress =
                            told.Value <- max told.Value progress.BytesSent
                }

                let! failure =
                    failureOf (fun () -> sink.PushAsync(ExportArtifact("a", path), progress))

                Expect.equal failure.Kind ExportFailureKind.Refused failure.Message
                Expect.isLessThan told.Value (1L <<< 30) "what goes nowhere is not told as sent"
            })

        testCaseTask "leaves no connection to the next push" (fun () ->
            task {
                use folder = new Folder()
                let path = sparse folder (64L <<< 20)

                use server =
                    new HalfReader(
                        None,
                        100_000,
                        answering "HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n"B (fun _ stream ->
                            stream.CopyToAsync Stream.Null)
                    )

                let! outcome = push (optionsTo server.Url null (Nullable())) path
                let failure = Expect.wantError outcome "no receipt"
                Expect.equal failure.Kind ExportFailureKind.Unavailable failure.Message
                Expect.equal failure.Attempts 3 "attempts"
                Expect.equal server.Heads 3 "each on a connection of its own"
            })

        testCaseTask "that is a success is none on a connection that was used before, either" (fun () ->
            task {
                use server =
                    new RawServer(fun _ connection ->
                        task {
                            let! _ = connection.ReadHead()
                            do! connection.Read 1000L
                            do! connection.Send "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
                            let! _ = connection.ReadHead()
                            do! connection.Send "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
                            do! connection.Read Int64.MaxValue
                        })

                use folder = new Folder()
                let small = folder.Write("small", patterned 1000)
                let large = sparse folder (64L <<< 20)

                use sink =
                    new PresignedS3ExportSink(optionsTo (server.Url "/evidence/a") null (Nullable()))

                let! _ = sink.PushAsync("a", small)
                let! failure = failureOf (fun () -> sink.PushAsync("a", large))
                Expect.isTrue failure.MayBeStored "there was a success"
                Expect.equal server.Connections 3 "the first was used again; then none"
            })
    ]
