/// While nobody listens nothing is made. One at a time, and after the tests that do listen.
module Facade.Tests.UnheardTests

open System
open System.Diagnostics
open System.IO
open System.Net
open System.Net.Http
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open CellOS.Export.S3.Core
open CellOS.Export.S3.Http
open CellOS.Export.S3.Telemetry
open Expecto
open Microsoft.Extensions.Logging.Abstractions
open OpenTelemetry
open OpenTelemetry.Trace
open Facade.Tests.Support

let private accept (result: Result<'a, Refusal>) =
    match result with
    | Ok value -> value
    | Error refusal -> failtest refusal.Message

let private plan =
    let url =
        match UrlTemplate.parse "http://h/{artifact_name}" with
        | Ok url -> url
        | Error refusal -> failtest (string refusal)

    let target =
        Target.create (accept (CellId.create cellId)) (accept (Bucket.create bucket)) (Some url)

    accept (PushPlan.create target (accept (ArtifactName.create "a")))

let private driverOver (http: HttpMessageInvoker) =
    PushDriver(
        PutTransport(http, TimeProvider.System),
        null,
        TimeProvider.System,
        (fun () -> 0.),
        NullLogger.Instance
    )

let private free = Func<ArtifactName, Refusal | null>(fun _ -> null)

/// What a push allocates that ends on this thread, since there is no such file. The least of many: code is compiled
/// anew in between.
let private leastOf (pushes: (unit -> Task<ExportReceipt>) list) =
    let least = Array.create pushes.Length Int64.MaxValue

    for _ in 1..200 do
        for i, push in List.indexed pushes do
            let before = GC.GetAllocatedBytesForCurrentThread()
            let ended = push ()
            let bytes = GC.GetAllocatedBytesForCurrentThread() - before
            Expect.isTrue ended.IsFaulted "there is no such file"
            least[i] <- min least[i] bytes

    List.ofArray least

[<Tests>]
let tests =
    testSequenced (
        testList "while nobody listens" [
            testCase "the question allocates nothing" (fun () ->
                let ask () =
                    let before = GC.GetAllocatedBytesForCurrentThread()
                    let mutable heard = 0

                    for _ in 1..1000 do
                        if not (isNull Instruments.Heard) then
                            heard <- heard + 1

                    let bytes = GC.GetAllocatedBytesForCurrentThread() - before
                    Expect.equal heard 0 "nobody listens"
                    bytes

                ask () |> ignore
                Expect.equal (ask ()) 0L "bytes")

            testCase "a push allocates as many bytes as one without hooks" (fun () ->
                let missing = Path.Combine(Path.GetTempPath(), $"none-{Guid.NewGuid():N}")
                use http = new HttpMessageInvoker(new SocketsHttpHandler())
                let driver = driverOver http

                let bare () =
                    driver.RunAsync(
                        plan,
                        missing,
                        free,
                        PushClock TimeProvider.System,
                        null,
                        null,
                        CancellationToken.None
                    )

                let unheard () =
                    driver.PushAsync(plan, missing, free, null, CancellationToken.None)

                let least = leastOf [ bare; unheard ]
                Expect.isGreaterThan least[0] 0L "it is counted"
                Expect.equal least[1] least[0] "the same"
                use _listener = new Listeners.Spans()
                let heard = leastOf [ unheard ]
                Expect.isGreaterThan heard[0] least[0] "a span would be seen")

            testCaseTask "an activity of the caller's is current within a push, and has no child" (fun () ->
                task {
                    use folder = new Folder()
                    use parent = (new Activity "the host's").Start()
                    let mutable seen = ""

                    use sink =
                        scriptedSink (optionsFor "http://h/x") TimeProvider.System 0. (fun request _ ->
                            task {
                                seen <- string (nonNull Activity.Current).Id
                                let! _ = drain request
                                return new HttpResponseMessage(HttpStatusCode.OK)
                            })

                    let! _ = sink.PushAsync("a", folder.Write("a", patterned 10))
                    Expect.equal seen (string parent.Id) "the caller's own"
                })

            testCaseTask "a span that the sampler does not want is not described" (fun () ->
                task {
                    use folder = new Folder()

                    use _sampling =
                        Sdk
                            .CreateTracerProviderBuilder()
                            .SetSampler(AlwaysOffSampler())
                            .AddSource(S3ExportTelemetry.ActivitySourceName)
                            .Build()

                    let mutable span: Activity | null = null

                    use sink =
                        scriptedSink (optionsFor "http://h/x") TimeProvider.System 0. (fun request _ ->
                            task {
                                span <- Activity.Current
                                let! _ = drain request
                                return new HttpResponseMessage(HttpStatusCode.OK)
                            })

                    let! _ = sink.PushAsync("a", folder.Write("a", patterned 10))
                    let span = nonNull span
                    Expect.equal span.OperationName "S3.PutObject" "there, for what is within"
                    Expect.isFalse span.Recorded "not recorded"
                    Expect.isEmpty (List.ofSeq span.Events) "no events"
                    Expect.isNull (span.GetTagItem "cellos.export.outcome") "no outcome"
                    Expect.isTrue span.IsStopped "and ended"
                })
        ]
    )
