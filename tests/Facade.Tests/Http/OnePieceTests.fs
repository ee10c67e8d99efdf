/// In how many pieces a request leaves.
module Facade.Tests.OnePieceTests

open System
open System.Collections.Generic
open System.IO
open System.IO.Pipelines
open System.Net.Http
open System.Net.Sockets
open System.Threading
open System.Threading.Tasks
open CellOS.Export.S3
open CellOS.Export.S3.Http
open Expecto
open Facade.Tests.Support

/// A connection that notes how many bytes each write has.
type private Counted(socket: Socket, writes: List<int>) =
    inherit NetworkStream(socket, true)

    override _.WriteAsync(bytes: ReadOnlyMemory<byte>, cancellationToken: CancellationToken) =
        lock writes (fun () -> writes.Add bytes.Length)
        base.WriteAsync(bytes, cancellationToken)

let private connect (writes: List<int>) (context: SocketsHttpConnectionContext) (ct: CancellationToken) =
    ValueTask<Stream>(
        task {
            let socket = new Socket(SocketType.Stream, ProtocolType.Tcp)
            do! socket.ConnectAsync(context.DnsEndPoint, ct)
            return new Counted(socket, writes) :> Stream
        }
    )

/// Two pushes of so many bytes through one connection; gives the writes of each.
let private writesOf (expectFrom: Nullable<int64>) (length: int) =
    task {
        use! scene = scene "a" (patterned length)

        let options =
            PresignedS3ExportSinkOptions(
                PresignedUrl = scene.Url,
                CellId = cellId,
                Bucket = bucket,
                ExpectContinueMinBytes = expectFrom
            )

        use handler = PresignedS3ExportSink.CreateHandler options
        let writes = List<int>()
        handler.ConnectCallback <- Func<_, _, _>(connect writes)
        use client = new HttpClient(handler, Timeout = Timeout.InfiniteTimeSpan)
        use sink = new PresignedS3ExportSink(options, client)

        let push () =
            task {
                writes.Clear()
                let! receipt = sink.PushAsync("a", scene.Path)
                receipt |> isTrueOf scene
                return List.ofSeq writes
            }

        let! first = push ()
        let! second = push ()
        return first, second
    }

/// A body that another flow of control hands on, as one that limits the rate might: part by part, behind the back of
/// whoever made it.
type private Pumped(inner: HttpContent) as this =
    inherit HttpContent()

    do
        for header in inner.Headers.NonValidated do
            this.Headers.TryAddWithoutValidation(header.Key, header.Value) |> ignore

    override _.TryComputeLength(length: byref<int64>) =
        length <- inner.Headers.ContentLength.Value
        true

    override _.SerializeToStreamAsync(stream: Stream, _) : Task =
        task {
            // Whoever fills it waits until all of it has been taken out, and goes on while that is handed on.
            let pipe = Pipe(PipeOptions(pauseWriterThreshold = 2L, resumeWriterThreshold = 1L))

            let filling =
                task {
                    do! inner.CopyToAsync(pipe.Writer.AsStream())
                    do! pipe.Writer.CompleteAsync()
                }

            let source = pipe.Reader.AsStream()
            let buffer = Array.zeroCreate<byte> 4_500
            let mutable going = true

            while going do
                let! count = source.ReadAsync(buffer.AsMemory())
                going <- count > 0
                do! Task.Yield()
                do! stream.WriteAsync(buffer.AsMemory(0, count))

            do! filling
        }

type private Pumping(inner: HttpMessageHandler) =
    inherit DelegatingHandler(inner)

    override _.SendAsync(request, cancellationToken) =
        request.Content <- new Pumped(nonNull request.Content)
        base.SendAsync(request, cancellationToken)

[<Tests>]
let tests =
    testList "a request" [
        testCaseTask "leaves whole where a handler of the host's hands its body on by itself" (fun () ->
            task {
                use! scene = scene "a" (patterned 13_000)

                let options =
                    PresignedS3ExportSinkOptions(
                        PresignedUrl = scene.Url,
                        CellId = cellId,
                        Bucket = bucket,
                        MaxAttempts = 1,
                        RequestTimeout = TimeSpan.FromSeconds 10.
                    )

                use handler = new Pumping(PresignedS3ExportSink.CreateHandler options)
                use client = new HttpClient(handler, Timeout = Timeout.InfiniteTimeSpan)
                use sink = new PresignedS3ExportSink(options, client)

                for _ in 1..300 do
                    let! receipt = sink.PushAsync("a", scene.Path)
                    receipt |> isTrueOf scene
            })

        for length in [ 0; 1; 3_000; 3_800; 4_096; 10_000; 15_000 ] do
            testCaseTask $"leaves in one piece with a body of {length} bytes" (fun () ->
                task {
                    let! first, second = writesOf (Nullable()) length
                    Expect.equal first.Length 1 $"the first: {first}"
                    Expect.equal second.Length 1 $"the second: {second}"
                })

        // Around what is held back, and what is not.
        for length in [ HeldBack.Size - 1; HeldBack.Size; HeldBack.Size + 1; 65_536; 65_537; 300_000 ] do
            testCaseTask $"leaves whole with a body of {length} bytes" (fun () ->
                task {
                    let! first, second = writesOf (Nullable()) length
                    Expect.isGreaterThan (List.sum first) length "the first, and its head"
                    Expect.equal (List.sum second) (List.sum first) "the second"
                })

        testCaseTask "has its head sent alone where it waits for 100 Continue" (fun () ->
            task {
                let! first, second = writesOf (Nullable 1L) 4_096

                for writes in [ first; second ] do
                    Expect.equal writes.Length 2 $"head and body: {writes}"
                    Expect.equal writes[1] 4_096 "the body"
            })
    ]
