/// Whose child the span of a push is, whose parent, and what becomes of the caller's.
module Facade.Tests.SpanFlowTests

open System
open System.Diagnostics
open System.Net
open System.Net.Http
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open LoopbackS3
open Microsoft.Extensions.Logging
open Facade.Tests.Listeners
open Facade.Tests.Support

let private ended (push: Task<ExportReceipt>) : Task<unit> =
    task {
        let! _ = Task.WhenAny(push :> Task)
        return ()
    }

let private taken () =
    new HttpResponseMessage(HttpStatusCode.OK)

/// What is current, as text: an `Activity` is equal to itself alone.
let private idOf (activity: Activity | null) : string =
    match activity with
    | null -> "none"
    | activity -> nonNull activity.Id

let private current () = idOf Activity.Current

/// A log that notes within which span it was written.
type private Correlated() =
    let lines = Collections.Concurrent.ConcurrentQueue<string>()
    member _.Spans = List.ofSeq lines

    interface ILogger<PresignedS3ExportSink> with
        member _.BeginScope _ = null
        member _.IsEnabled _ = true
        member _.Log(_, _, _, _, _) = lines.Enqueue(current ())

/// The parts of W3C's form of an activity's id.
let private spanOf (id: string) = (id.Split '-')[2]

let private tests' (host: string) = [
    for name, ready in
        [
            "a success", (fun (scene: Scene) -> scene.Path)
            "a failure", (fun (scene: Scene) -> scene.Folder.At "missing")
        ] do
        testCaseTask $"is a child of the caller's, which stays current after {name}" (fun () ->
            task {
                use! scene = scene "a" (patterned 10)
                let target = newTarget ()
                use spans = new Spans(host)
                use source = new ActivitySource(host)
                use parent = nonNull (source.StartActivity "export")
                use sink = new PresignedS3ExportSink(optionsOf target scene.Url)
                let push = sink.PushAsync("a", ready scene)
                Expect.equal (current ()) (idOf parent) "while it runs"
                do! ended push
                Expect.equal (current ()) (idOf parent) "when it has ended"
                let span = List.exactlyOne (spans.Of target)
                Expect.equal span.Parent parent.SpanId "the parent"
                Expect.equal span.TraceId parent.TraceId "the trace"
            })

    testCaseTask "leaves the caller's current after a cancellation, too" (fun () ->
        task {
            use! scene = scene "a" (patterned 10)
            scene.Server.MisbehaveAlways(bucket, scene.Key, Fault.Silence true)
            let target = newTarget ()
            use spans = new Spans(host)
            use source = new ActivitySource(host)
            use parent = nonNull (source.StartActivity "export")
            use sink = new PresignedS3ExportSink(optionsOf target scene.Url)
            use cancel = new CancellationTokenSource()
            let push = sink.PushAsync("a", scene.Path, cancellationToken = cancel.Token)
            do! waitFor "the request" (fun () -> not scene.Puts.IsEmpty)
            cancel.Cancel()
            do! ended push
            Expect.isTrue push.IsCanceled "cancelled"
            Expect.equal (current ()) (idOf parent) "when it has ended"
            Expect.equal (List.exactlyOne (spans.Of target)).Parent parent.SpanId "the parent"
        })

    testCaseTask "is a root where the caller has none, and leaves none behind" (fun () ->
        task {
            use! scene = scene "a" (patterned 10)
            let target = newTarget ()
            use spans = new Spans()
            use sink = new PresignedS3ExportSink(optionsOf target scene.Url)
            let! _ = sink.PushAsync("a", scene.Path)
            Expect.equal (current ()) "none" "none"

            Expect.equal
                (List.exactlyOne (spans.Of target)).Parent
                (Unchecked.defaultof<ActivitySpanId>)
                "no parent"
        })

    testCaseTask
        "is the parent of what happens within: the broker, the handler, progress and the log"
        (fun () ->
            task {
                use folder = new Folder()
                let target = newTarget ()
                use spans = new Spans()
                let seen = Collections.Concurrent.ConcurrentDictionary<string, string>()
                let log = Correlated()

                let options =
                    PresignedS3ExportSinkOptions(
                        PresignedUrlProvider =
                            Func<_, _, _>(fun _ _ ->
                                seen["broker"] <- current ()
                                ValueTask<string> "http://h/x"),
                        CellId = cellId,
                        Bucket = bucket,
                        TargetName = target
                    )

                use sink =
                    new PresignedS3ExportSink(
                        options,
                        new HttpMessageInvoker(
                            new Scripted(fun request _ ->
                                task {
                                    seen["handler"] <- current ()
                                    let! _ = drain request
                                    return taken ()
                                })
                        ),
                        TimeProvider.System,
                        log,
                        (fun () -> 0.)
                    )

                let progress = {
                    new IProgress<ExportProgress> with
                        member _.Report _ = seen["progress"] <- current ()
                }

                // Also where the caller lets nothing flow.
                let artifact = ExportArtifact("a", folder.Write("a", patterned 10))

                let push =
                    use _ = ExecutionContext.SuppressFlow()
                    sink.PushAsync(artifact, progress)

                let! _ = push
                let span = List.exactlyOne (spans.Of target)

                for place in [ "broker"; "handler"; "progress" ] do
                    Expect.equal (spanOf seen[place]) (string span.Id) place

                Expect.isGreaterThan log.Spans.Length 0 "something was logged"

                for id in log.Spans do
                    Expect.equal (spanOf id) (string span.Id) "the log"
            })

    testCaseTask "has the span of a host's HttpClient as its child, and sends no traceparent" (fun () ->
        task {
            use! scene = scene "a" (patterned 10)
            let target = newTarget ()
            use spans = new Spans("System.Net.Http")
            let options = optionsOf target scene.Url
            use handler = PresignedS3ExportSink.CreateHandler options
            Expect.isNull handler.ActivityHeadersPropagator "as the library makes it: none"
            // So that .NET makes spans for requests.
            handler.ActivityHeadersPropagator <- DistributedContextPropagator.CreateNoOutputPropagator()

            use client = new HttpClient(handler, Timeout = Threading.Timeout.InfiniteTimeSpan)

            use sink = new PresignedS3ExportSink(options, client)
            let! _ = sink.PushAsync("a", scene.Path)
            let span = List.exactlyOne (spans.Of target)

            let request =
                spans.All
                |> List.filter (fun child -> child.Parent = span.Id)
                |> List.exactlyOne

            Expect.equal (request.Tag "http.request.method") "PUT" "the request's own"
            let headers = (List.exactlyOne scene.Puts).Headers

            for name in [ "traceparent"; "tracestate"; "baggage"; "Request-Id" ] do
                Expect.isFalse (headers.ContainsKey name) name
        })

    testCaseTask "puts nothing into the request" (fun () ->
        task {
            let headersOf (scene: Scene) =
                [ for header in (List.last scene.Puts).Headers -> header.Key ] |> List.sort

            use! scene = scene "a" (patterned 10)
            use sink = new PresignedS3ExportSink(optionsOf "unheard" scene.Url)
            let! _ = sink.PushAsync("a", scene.Path)
            let unheard = headersOf scene
            use spans = new Spans(host)
            use source = new ActivitySource(host)

            use _activity = (nonNull (source.StartActivity "export")).SetBaggage("b", "1")

            let target = newTarget ()
            use sink = new PresignedS3ExportSink(optionsOf target scene.Url)
            let! _ = sink.PushAsync("a", scene.Path)
            Expect.hasLength (spans.Of target) 1 "it was heard"
            Expect.sequenceEqual (headersOf scene) unheard "the same headers"
        })

    testCaseTask "is one for each of sixteen pushes at once" (fun () ->
        task {
            let! server = LoopbackS3Server.StartAsync(LoopbackS3Options())
            use! scene = Task.FromResult(new Scene(server, "x", patterned 1000))
            let target = newTarget ()
            use spans = new Spans(host)
            use source = new ActivitySource(host)
            use parent = nonNull (source.StartActivity "export")

            use sink =
                new PresignedS3ExportSink(
                    PresignedS3ExportSinkOptions(
                        PresignedUrlProvider =
                            Func<_, _, _>(fun request _ ->
                                ValueTask<string>(server.Presign("PUT", bucket, keyOf request.ArtifactName))),
                        CellId = cellId,
                        Bucket = bucket,
                        TargetName = target
                    )
                )

            let names = [ for i in 1..16 -> $"a{i}" ]

            let results =
                sink.PushManyAsync(
                    [ for name in names -> ExportArtifact(name, scene.Path) ],
                    ExportBatchOptions(MaxConcurrency = 16)
                )

            let mutable count = 0
            let each = results.GetAsyncEnumerator()
            let mutable go = true

            while go do
                let! more = each.MoveNextAsync()
                go <- more

                if more then
                    Expect.isTrue each.Current.IsExported "exported"
                    count <- count + 1

            Expect.equal count 16 "results"
            let heard = spans.Of target

            Expect.sequenceEqual
                (heard |> List.map _.Tag("cellos.export.artifact.name") |> List.sort)
                (List.sort names)
                "one each"

            for span in heard do
                Expect.equal span.Parent parent.SpanId "of the batch's caller"
                Expect.hasLength span.Events 1 "its own attempt, and no other's"
        })

    testCaseTask "begins and ends by the sink's clock" (fun () ->
        task {
            use folder = new Folder()
            let target = newTarget ()
            use spans = new Spans()
            let noon = DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero)
            let time = FakeTime noon
            let mutable answers = 0

            use sink =
                scriptedSink
                    (PresignedS3ExportSinkOptions(
                        PresignedUrl = "http://h/x",
                        CellId = cellId,
                        Bucket = bucket,
                        TargetName = target,
                        RetryBackoff = TimeSpan.FromSeconds 7.
                    ))
                    time
                    0.
                    (fun request _ ->
                        task {
                            let! _ = drain request
                            answers <- answers + 1

                            return
                                if answers = 1 then
                                    new HttpResponseMessage(HttpStatusCode.BadGateway)
                                else
                                    taken ()
                        })

            let push = sink.PushAsync("a", folder.Write("a", patterned 10))
            do! runOn time push
            let! _ = push
            let span = List.exactlyOne (spans.Of target)
            Expect.equal span.Began noon.UtcDateTime "noon"
            Expect.equal span.Duration (TimeSpan.FromSeconds 7.) "the wait"
        })
]

[<Tests>]
let tests = testList "the span of a push" (tests' "a host of pushes")
