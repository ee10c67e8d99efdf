/// The HTTP sink against a server on raw sockets.
module Facade.Tests.HttpSinkTests

open System
open System.Collections.Concurrent
open System.Diagnostics
open System.IO
open System.Text
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Facade.Tests.Support
open Microsoft.Extensions.Logging

let private token = "sekrit.token-1"

/// A request as it came.
type private Put = { Head: string; Body: byte[] }

/// Reads a PUT and answers it; `answer` gives status line and headers for the n-th request.
type private Endpoint(answer: int -> Put -> string) =
    let puts = ConcurrentQueue<Put>()

    let server =
        new RawServer(fun _ connection ->
            task {
                let mutable go = true

                while go do
                    let! head = connection.ReadHead()

                    if head = "" then
                        go <- false
                    else
                        let length =
                            head.Split "\r\n"
                            |> Seq.pick (fun line ->
                                if
                                    line.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase)
                                then
                                    Some(int (line.Substring 16))
                                else
                                    None)

                        let body = Array.zeroCreate<byte> length
                        do! connection.Stream.ReadExactlyAsync(body.AsMemory())
                        let put = { Head = head; Body = body }
                        puts.Enqueue put
                        let text = answer puts.Count put
                        do! connection.Stream.WriteAsync(Encoding.ASCII.GetBytes(text + "\r\n"))
            })

    member _.Url(path: string) = server.Url path
    member _.Puts = List.ofSeq puts

    interface IDisposable with
        member _.Dispose() = (server :> IDisposable).Dispose()

let private created = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n"

let private options (url: string) =
    HttpExportSinkOptions(
        BaseUrl = url,
        CellId = cellId,
        BearerToken = token,
        TargetName = "archive",
        RetryBackoff = TimeSpan.Zero,
        RequestTimeout = TimeSpan.FromSeconds 10.,
        ExpectContinueMinBytes = Nullable()
    )

type private Book<'T>() =
    let lines = ConcurrentQueue<string>()
    member _.Text = String.Join('\n', lines)

    interface ILogger<'T> with
        member _.BeginScope _ = null
        member _.IsEnabled _ = true

        member _.Log(level, eventId, state, error, format) =
            lines.Enqueue $"{level} {eventId} {format.Invoke(state, error)} {state} {error}"

[<Tests>]
let tests =
    testList "http sink" [
        for length in [ 0; 1; 300_000 ] do
            testCaseTask $"puts {length} bytes with the token, and gives a true receipt" (fun () ->
                task {
                    use endpoint = new Endpoint(fun _ _ -> created)
                    use folder = new Folder()
                    let path = folder.Write("source", patterned length)
                    use sink = new HttpExportSink(options (endpoint.Url "/in"))
                    let! receipt = sink.PushAsync("logs/a b.txt", path)
                    let put = List.exactlyOne endpoint.Puts

                    Expect.stringStarts
                        put.Head
                        $"PUT /in/{cellId}/logs/a%%20b.txt HTTP/1.1\r\n"
                        "the request"

                    Expect.stringContains put.Head $"\r\nAuthorization: Bearer {token}\r\n" "the token"
                    Expect.equal put.Body (patterned length) "the content"
                    Expect.equal receipt.TargetKind ExportTargetKind.Http "the kind"
                    Expect.equal receipt.TargetName "archive" "the target"

                    Expect.equal
                        receipt.Destination
                        (endpoint.Url $"/in/{cellId}/logs/a%%20b.txt")
                        "the address"

                    Expect.equal receipt.Destination (sink.DestinationHint "logs/a b.txt") "as hinted"
                    Expect.equal receipt.Sha256 (sha256 (patterned length)) "SHA-256"
                    Expect.equal receipt.Integrity "unverified" "nothing confirms it"
                    Expect.isNotNull receipt.Warning "a warning"
                    Expect.isFalse (receipt.ToJson().Contains token) "no token in the receipt"
                    Expect.isFalse (receipt.ToCloudEvent().Contains token) "no token in the event"
                })

        testCaseTask "a Repr-Digest confirms what was sent" (fun () ->
            task {
                use endpoint =
                    new Endpoint(fun _ put ->
                        let digest = Convert.ToBase64String(Security.Cryptography.SHA256.HashData put.Body)

                        $"HTTP/1.1 204 No Content\r\nRepr-Digest: sha-256=:{digest}:\r\n")

                use folder = new Folder()
                let path = folder.Write("source", patterned 5000)
                use sink = new HttpExportSink(endpoint.Url "/in", cellId)
                let! receipt = sink.PushAsync("a", path)
                Expect.equal receipt.Integrity "checksum-sha256" "confirmed"
                Expect.isNull receipt.Warning "nothing to tell"
            })

        testCaseTask "tries again after a 503" (fun () ->
            task {
                use endpoint =
                    new Endpoint(fun n _ ->
                        if n < 3 then "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n" else created)

                use folder = new Folder()
                let path = folder.Write("source", patterned 10)
                use sink = new HttpExportSink(options (endpoint.Url "/in"))
                let! receipt = sink.PushAsync("a", path)
                Expect.equal receipt.Attempts 3 "attempts"
            })

        testCaseTask "follows no redirect, so the token goes nowhere else" (fun () ->
            task {
                use other = new Endpoint(fun _ _ -> created)

                use endpoint =
                    new Endpoint(fun _ _ ->
                        let target = other.Url "/x"
                        $"HTTP/1.1 307 Temporary Redirect\r\nLocation: {target}\r\nContent-Length: 0\r\n")

                use folder = new Folder()
                let path = folder.Write("source", patterned 10)
                use sink = new HttpExportSink(options (endpoint.Url "/in"))
                let! failure = failureOf (fun () -> sink.PushAsync("a", path))
                Expect.equal failure.Kind ExportFailureKind.Redirected failure.Message
                Expect.isEmpty other.Puts "nothing went there"
            })

        testSequenced
        <| testCaseTask
            "no log, no exception and no span shows the token, whatever the server echoes"
            (fun () ->
                task {
                    let echo (put: Put) =
                        $"you sent: {put.Head.ReplaceLineEndings String.Empty}"

                    use endpoint =
                        new Endpoint(fun _ put ->
                            let said = echo put

                            $"HTTP/1.1 403 Forbidden\r\nServer: {token}\r\nx-request-id: {token}\r\nContent-Type: text/plain\r\nContent-Length: {said.Length}\r\n\r\n{said}"
                                .TrimEnd())

                    let spans = ConcurrentQueue<string>()

                    use listener =
                        new ActivityListener(
                            ShouldListenTo = (fun source -> source.Name = "CellOS.Export.S3"),
                            Sample = (fun _ -> ActivitySamplingResult.AllDataAndRecorded),
                            ActivityStopped =
                                (fun activity ->
                                    if activity.GetTagItem "cellos.export.target" = box "archive" then
                                        spans.Enqueue activity.DisplayName

                                    for tag in activity.TagObjects do
                                        spans.Enqueue $"{tag.Key}={tag.Value}")
                        )

                    ActivitySource.AddActivityListener listener
                    use folder = new Folder()
                    let path = folder.Write("source", patterned 10)
                    let book = Book<HttpExportSink>()

                    use sink =
                        new HttpExportSink(options (endpoint.Url "/in"), TimeProvider.System, book)

                    let! failure = failureOf (fun () -> sink.PushAsync("a", path))
                    Expect.equal failure.Kind ExportFailureKind.Refused failure.Message

                    for text in
                        [
                            failure.ToString()
                            failure.ToJson()
                            failure.ToCloudEvent DateTimeOffset.UnixEpoch
                            book.Text
                            String.Join('\n', spans)
                        ] do
                        Expect.isFalse (text.Contains token) text
                })

        testCaseTask "an exact URL takes one artifact" (fun () ->
            task {
                use endpoint = new Endpoint(fun _ _ -> created)
                use folder = new Folder()
                let path = folder.Write("source", patterned 10)
                use sink = new HttpExportSink(options (endpoint.Url "/in?slot=1"))
                let! _ = sink.PushAsync("a", path)
                let! failure = failureOf (fun () -> sink.PushAsync("b", path))
                Expect.equal failure.Kind ExportFailureKind.UrlUnusable failure.Message
                Expect.hasLength endpoint.Puts 1 "one request"
            })

        test "a token does not go over http to another host, unless that is allowed" {
            let made allow () =
                use _ =
                    new HttpExportSink(
                        HttpExportSinkOptions(
                            BaseUrl = "http://archive.example/in",
                            CellId = cellId,
                            BearerToken = token,
                            AllowPlaintextToken = allow
                        )
                    )

                ()

            made true ()

            try
                made false ()
                failtest "it was accepted"
            with :? ArgumentException as refused ->
                Expect.stringContains refused.Message "AllowPlaintextToken" "what to do"
                Expect.isFalse (refused.Message.Contains token) "not quoted"
        }

        test "all that is wrong with options is reported at once" {
            try
                use _ = new HttpExportSink("ftp://h", "a/b", null, 0, -1L)
                failtest "it was accepted"
            with :? ArgumentException as refused ->
                for word in [ "base URL"; "cell id"; "number of attempts" ] do
                    Expect.stringContains refused.Message word ""
        }
    ]
