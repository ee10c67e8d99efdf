/// What an answer in the middle of the body is for the file, the connection and the next push. What it is for the push
/// itself, the fault lab shows.
module Facade.Tests.EarlyAnswerTests

open System
open System.IO
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Facade.Tests.Support

let private optionsTo (server: RawServer) =
    PresignedS3ExportSinkOptions(
        PresignedUrl = server.Url "/evidence/a",
        CellId = cellId,
        Bucket = bucket,
        RetryBackoff = TimeSpan.Zero,
        RequestTimeout = TimeSpan.FromSeconds 15.,
        ExpectContinueMinBytes = Nullable()
    )

let private ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

/// A file of so many bytes that takes no room.
let private sparse (folder: Folder) (size: int64) =
    let path = folder.At "large"
    use file = File.Create path
    file.SetLength size
    path

/// Takes so many bytes of each request's body, answers, and goes on.
let private answering (take: int64) (answer: string) (next: Connection -> Task) =
    new RawServer(fun _ connection ->
        task {
            let! _ = connection.ReadHead()
            do! connection.Read take
            do! connection.Send answer
            do! next connection
        })

[<Tests>]
let tests =
    testList "an answer in the middle of the body" [
        testCaseTask "ends the reading of the file" (fun () ->
            task {
                use folder = new Folder()
                let path = sparse folder (4L <<< 30)
                let mutable told = 0L

                use server =
                    answering 1_000_000L "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n" (fun _ ->
                        Task.Delay 10_000)

                use sink = new PresignedS3ExportSink(optionsTo server)

                let progress = {
                    new IProgress<ExportProgress> with
                        member _.Report progress = told <- max told progress.BytesSent
                }

                let! failure =
                    failureOf (fun () -> sink.PushAsync(ExportArtifact("a", path), progress))

                Expect.equal failure.Kind ExportFailureKind.Refused failure.Message
                Expect.isLessThan told (1L <<< 30) "what goes nowhere is not told as sent"
            })

        testCaseTask "leaves no connection to the next attempt" (fun () ->
            task {
                use folder = new Folder()
                let path = sparse folder (64L <<< 20)

                use server =
                    answering
                        100_000L
                        "HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n"
                        (fun connection -> connection.Read Int64.MaxValue)

                use sink = new PresignedS3ExportSink(optionsTo server)
                let! failure = failureOf (fun () -> sink.PushAsync("a", path))
                Expect.equal failure.Kind ExportFailureKind.Unavailable failure.Message
                Expect.equal failure.Attempts 3 "attempts"
                Expect.equal server.Connections 3 "each on a connection of its own"
            })

        testCaseTask
            "that is a success gives no receipt on a connection that was used before, either"
            (fun () ->
                task {
                    use server =
                        answering 1000L ok (fun connection ->
                            task {
                                let! _ = connection.ReadHead()
                                do! connection.Send ok
                                do! connection.Read Int64.MaxValue
                            })

                    use folder = new Folder()
                    let small = folder.Write("small", patterned 1000)
                    let large = sparse folder (64L <<< 20)
                    use sink = new PresignedS3ExportSink(optionsTo server)
                    let! _ = sink.PushAsync("a", small)
                    let! failure = failureOf (fun () -> sink.PushAsync("a", large))
                    Expect.isTrue failure.MayBeStored "there was a success"
                    Expect.equal server.Connections 3 "the first was used again; then none"
                })
    ]
