/// Listeners are the host's own code: what they throw is no reason to lose the receipt of an object that is stored.
module Facade.Tests.ThrowingListenerTests

open System
open System.Diagnostics
open System.Diagnostics.Metrics
open System.Reflection
open System.Runtime.Loader
open System.Threading
open System.Threading.Tasks
open CellOS.Export.S3
open Expecto
open Facade.Tests.Listeners
open Facade.Tests.Support

let private isOf (target: string) (name: string) (value: objnull) =
    name = "cellos.export.target.name" && value = target

/// Throws wherever a listener to spans can, but for the pushes of other tests.
let private throwingSpans (target: string) =
    let listen (activity: Activity) =
        if activity.TagObjects |> Seq.exists (fun tag -> isOf target tag.Key tag.Value) then
            failwith "a listener's own words"

    let listener =
        new ActivityListener(
            ShouldListenTo = (fun source -> source.Name = S3ExportTelemetry.ActivitySourceName),
            Sample = (fun _ -> ActivitySamplingResult.AllDataAndRecorded),
            ActivityStarted = listen,
            ActivityStopped = listen
        )

    ActivitySource.AddActivityListener listener
    listener :> IDisposable

/// The same for metrics.
let private throwingMetrics (target: string) =
    let listener =
        new MeterListener(
            InstrumentPublished =
                fun instrument listener ->
                    if instrument.Meter.Name = S3ExportTelemetry.MeterName then
                        listener.EnableMeasurementEvents instrument
        )

    let listen (tags: Collections.Generic.KeyValuePair<string, objnull>[]) =
        if tags |> Array.exists (fun tag -> isOf target tag.Key tag.Value) then
            failwith "a listener's own words"

    listener.SetMeasurementEventCallback<int64>(fun _ _ tags _ -> listen (tags.ToArray()))
    listener.SetMeasurementEventCallback<double>(fun _ _ tags _ -> listen (tags.ToArray()))
    listener.Start()
    listener :> IDisposable

/// Set in the flow of a test whose listeners throw when they are told that there is a source or an instrument.
let private isBarred = AsyncLocal<bool>()

let private bar (name: string) =
    if isBarred.Value && name = S3ExportTelemetry.MeterName then
        failwith "a listener's own words"

let private barredSpans () =
    let listener =
        new ActivityListener(
            ShouldListenTo =
                fun source ->
                    bar source.Name
                    false
        )

    ActivitySource.AddActivityListener listener
    listener :> IDisposable

let private barredMetrics () =
    let listener =
        new MeterListener(InstrumentPublished = fun instrument _ -> bar instrument.Meter.Name)

    listener.Start()
    listener :> IDisposable

/// Pushes with the library loaded anew, whose sources and instruments are not made yet: what came of it.
let private pushAnew (scene: Scene) (log: LogBook) =
    task {
        let context = AssemblyLoadContext("anew", isCollectible = false)

        let anew =
            context.LoadFromAssemblyPath typeof<PresignedS3ExportSink>.Assembly.Location

        let get (name: string) = nonNull (anew.GetType name)

        let options =
            nonNull (Activator.CreateInstance(get "CellOS.Export.S3.PresignedS3ExportSinkOptions"))

        for name, value in [ "PresignedUrl", scene.Url; "CellId", cellId; "Bucket", bucket ] do
            (nonNull (options.GetType().GetProperty name)).SetValue(options, value)

        let sink =
            Activator.CreateInstance(
                get "CellOS.Export.S3.PresignedS3ExportSink",
                BindingFlags.Instance ||| BindingFlags.NonPublic,
                null,
                ([| options; null; null; log; null |]: objnull[]),
                null
            )
            |> nonNull

        use _sink = sink :?> IDisposable

        let push =
            sink.GetType().GetMethods()
            |> Array.find (fun it -> it.Name = "PushAsync" && it.GetParameters().Length = 4)

        let pushed =
            push.Invoke(sink, ([| "a"; scene.Path; null; CancellationToken.None |]: objnull[]))
            |> nonNull
            :?> Task

        do! pushed
        return string ((nonNull (pushed.GetType().GetProperty "Result")).GetValue pushed)
    }

[<Tests>]
let tests =
    testList "a listener that throws" [
        for name, listen in [ "source", barredSpans; "instrument", barredMetrics ] do
            testCaseTask $"when it is told of a {name} costs lines in the log, and no receipt" (fun () ->
                task {
                    use! scene = scene "a" (patterned 10)
                    use _listener = listen ()
                    let log = LogBook()
                    isBarred.Value <- true
                    let! receipt = pushAnew scene log
                    Expect.stringContains receipt "cell-7" "a receipt"
                    Expect.isTrue scene.Stored.IsSome "of what is stored"
                    let told = log.Lines |> List.filter _.Contains("TelemetryFailed")
                    Expect.hasLength told 1 "told once"
                    Expect.isFalse (told.Head.Contains "own words") "not in the listener's words"
                })

        for name, listen in [ "to spans", throwingSpans; "to metrics", throwingMetrics ] do
            testCaseTask $"{name} costs a line in the log, and not the receipt" (fun () ->
                task {
                    use! scene = scene "a" (patterned 10)
                    let target = newTarget ()
                    use _listener = listen target
                    use spans = new Spans()
                    let log = LogBook()

                    use sink =
                        new PresignedS3ExportSink(
                            PresignedS3ExportSinkOptions(
                                PresignedUrl = scene.Url,
                                CellId = cellId,
                                Bucket = bucket,
                                TargetName = target
                            ),
                            TimeProvider.System,
                            log
                        )

                    let! receipt = sink.PushAsync("a", scene.Path)
                    receipt |> isTrueOf scene
                    Expect.isNull Activity.Current "the caller has none, as before"
                    let told = log.Lines |> List.filter _.Contains("TelemetryFailed")
                    Expect.hasLength told 1 "told once"
                    Expect.isFalse (told.Head.Contains "own words") "not in the listener's words"

                    if name = "to metrics" then
                        Expect.hasLength (spans.Of target) 1 "the span is not lost"
                })
    ]
