/// Listeners are the host's own code: what they throw is no reason to lose the receipt of an object that is stored.
module Facade.Tests.ThrowingListenerTests

open System
open System.Diagnostics
open System.Diagnostics.Metrics
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

[<Tests>]
let tests =
    testList "a listener that throws" [
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
