/// How the driver behaves towards its surroundings: the caller's thread, the clock, the log.
module Facade.Tests.DriverTests

open System
open System.Net
open System.Net.Http
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open LoopbackS3
open Facade.Tests.Support

/// As a user interface has one: there, work that is posted waits for the one thread.
type private Context() =
    inherit SynchronizationContext()
    let mutable posts = 0
    member _.Posts = Volatile.Read &posts

    override _.Post(callback, state) =
        Interlocked.Increment &posts |> ignore
        ThreadPool.QueueUserWorkItem(fun _ -> callback.Invoke state) |> ignore

/// Begins a push on a thread with such a context, and ends that thread. What else is to happen does so then. Gives how
/// often the context was needed.
let private postsOf (push: unit -> Task<ExportReceipt>) (afterwards: Task -> Task) =
    task {
        let context = Context()
        let mutable pushing = Unchecked.defaultof<Task<ExportReceipt>>

        let thread =
            Thread(fun () ->
                SynchronizationContext.SetSynchronizationContext context
                pushing <- push ())

        thread.Start()
        thread.Join()
        do! afterwards pushing
        let! ended = Task.WhenAny(pushing :> Task)
        return context.Posts, ended
    }

let private md5Base64 (bytes: byte[]) =
    Convert.ToBase64String(Security.Cryptography.MD5.HashData bytes)

let private nothing (_: Task) = Task.CompletedTask

/// Its own time: the wall clock stands, and so much has passed since.
type private Ticking(start: DateTimeOffset) =
    inherit TimeProvider()
    member val Elapsed = TimeSpan.Zero with get, set
    override _.GetUtcNow() = start
    override this.GetTimestamp() = this.Elapsed.Ticks
    override _.TimestampFrequency = TimeSpan.TicksPerSecond

let private noon = DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero)

[<Tests>]
let tests =
    testList "the driver" [
        // Of an empty file other calls are the first to be awaited.
        for length in [ 0; 200_000 ] do
            testCaseTask
                $"does not come back to the caller's context: after a request with {length} bytes"
                (fun () ->
                    task {
                        use! scene = scene "a" (patterned length)
                        use sink = sinkFor scene.Url
                        let! posts, ended = postsOf (fun () -> sink.PushAsync("a", scene.Path)) nothing
                        Expect.isTrue ended.IsCompletedSuccessfully "a receipt"
                        Expect.equal posts 0 "posts"
                    })

        for length in [ 0; 1_000_000 ] do
            testCaseTask
                $"does not come back to the caller's context: after the MD5 of {length} bytes"
                (fun () ->
                    task {
                        use! scene = scene "a" (patterned length)

                        use sink =
                            new PresignedS3ExportSink(
                                PresignedS3ExportSinkOptions(
                                    PresignedUrl =
                                        scene.Server.Presign(
                                            "PUT",
                                            bucket,
                                            scene.Key,
                                            headers = readOnlyDict [ "content-md5", md5Base64 scene.Content ]
                                        ),
                                    CellId = cellId,
                                    Bucket = bucket
                                )
                            )

                        let! posts, ended = postsOf (fun () -> sink.PushAsync("a", scene.Path)) nothing
                        Expect.isTrue ended.IsCompletedSuccessfully "a receipt"
                        Expect.equal posts 0 "posts"
                    })

        testCaseTask "does not come back to the caller's context: after the source of URLs" (fun () ->
            task {
                use! scene = scene "a" (patterned 10)
                let url = TaskCompletionSource<string>()

                use sink =
                    new PresignedS3ExportSink(
                        PresignedS3ExportSinkOptions(
                            PresignedUrlProvider = Func<_, _, _>(fun _ _ -> ValueTask<string> url.Task),
                            CellId = cellId,
                            Bucket = bucket
                        )
                    )

                let! posts, ended =
                    postsOf (fun () -> sink.PushAsync("a", scene.Path)) (fun _ ->
                        url.SetResult scene.Url
                        Task.CompletedTask)

                Expect.isTrue ended.IsCompletedSuccessfully "a receipt"
                Expect.equal posts 0 "posts"
            })

        testCaseTask "does not come back to the caller's context: after a wait" (fun () ->
            task {
                use folder = new Folder()
                let time = FakeTime noon

                let options =
                    PresignedS3ExportSinkOptions(
                        PresignedUrl = "https://h/x",
                        CellId = cellId,
                        Bucket = bucket,
                        MaxAttempts = 2
                    )

                // The reply is there at once, so that the wait is the first thing to be awaited.
                use sink =
                    scriptedSink options time 0.5 (fun _ _ ->
                        Task.FromResult(new HttpResponseMessage(HttpStatusCode.ServiceUnavailable)))

                let path = folder.Write("a", patterned 10)

                let! posts, ended =
                    postsOf (fun () -> sink.PushAsync("a", path)) (fun push -> runOn time push)

                Expect.isTrue ended.IsFaulted "unavailable"
                Expect.isGreaterThan time.Elapsed TimeSpan.Zero "it waited"
                Expect.equal posts 0 "posts"
            })

        // A handler of the host's may ask for the body on the caller's thread.
        for length in [ 0; 200_000 ] do
            testCaseTask
                $"does not come back to the caller's context: after a body of {length} bytes"
                (fun () ->
                    task {
                        use folder = new Folder()
                        let path = folder.Write("a", patterned length)

                        let options =
                            PresignedS3ExportSinkOptions(
                                PresignedUrl = "https://h/x",
                                CellId = cellId,
                                Bucket = bucket
                            )

                        use sink =
                            scriptedSink options TimeProvider.System 0.5 (fun request _ ->
                                (nonNull request.Content)
                                    .CopyToAsync(IO.Stream.Null)
                                    .ContinueWith(fun (_: Task) ->
                                        new HttpResponseMessage(HttpStatusCode.OK)))

                        let! posts, ended = postsOf (fun () -> sink.PushAsync("a", path)) nothing
                        Expect.isTrue ended.IsCompletedSuccessfully "a receipt"
                        Expect.equal posts 0 "posts"
                    })

        testCaseTask "logs each attempt and the end, each at its level" (fun () ->
            task {
                use! scene = scene "a" (patterned 10)
                scene.Server.Misbehave(bucket, scene.Key, Fault.Status 503, Fault.ResetBeforeBody)
                let log = LogBook()
                use sink = new PresignedS3ExportSink(optionsFor scene.Url, TimeProvider.System, log)
                let! _ = sink.PushAsync("a", scene.Path)
                scene.Server.MisbehaveAlways(bucket, scene.Key, Fault.Status(403, "AccessDenied"))
                let! failure = failureOf (fun () -> sink.PushAsync("a", scene.Path))

                Expect.sequenceEqual
                    (log.Lines |> List.map (fun line -> (line.Split ' ')[0]))
                    [ "Warning"; "Warning"; "Debug"; "Information"; "Warning"; "Error" ]
                    "busy, reset, stored, a receipt; refused, a failure"

                Expect.stringContains (List.last log.Lines) failure.Message "what the caller is told"
            })

        testCase "reckons with a clock that is about to end" (fun () ->
            let ticking = Ticking(DateTimeOffset.MaxValue.AddSeconds -1.)
            let clock = PushClock ticking
            ticking.Elapsed <- TimeSpan.FromMilliseconds 999.
            Expect.equal clock.Now (DateTimeOffset.MaxValue.AddMilliseconds -1.) "before"
            ticking.Elapsed <- TimeSpan.FromSeconds 2.
            Expect.equal clock.Now DateTimeOffset.MaxValue "after")

        // One millisecond less than nothing means for ever to .NET.
        testCase "does not wait for what is past" (fun () ->
            let clock = PushClock(Ticking noon)

            for past in [ 0.; 1.; 5000. ] do
                let at = noon.AddMilliseconds -past
                use limit = clock.LimitUntil(Nullable at)
                Expect.isTrue limit.IsCancellationRequested $"a limit, {past} ms ago"

                Expect.isTrue
                    (clock.WaitUntilAsync(at, CancellationToken.None).IsCompleted)
                    $"a wait, {past} ms ago")

        testCase "waits for what is to come, and for ever where there is no limit" (fun () ->
            let clock = PushClock(Ticking noon)
            use limit = clock.LimitUntil(Nullable(noon.AddHours 1.))
            Expect.isFalse limit.IsCancellationRequested "a limit"
            use never = clock.LimitUntil(Nullable())
            Expect.isFalse never.IsCancellationRequested "none"
            use left = new CancellationTokenSource()
            let wait = clock.WaitUntilAsync(noon.AddHours 1., left.Token)
            Expect.isFalse wait.IsCompleted "a wait"
            left.Cancel()
            Expect.isTrue wait.IsCanceled "that the caller left")
    ]
