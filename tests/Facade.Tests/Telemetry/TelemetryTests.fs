/// What .NET and this library tell of a push to whoever listens: that is no place for a signature either.
module Facade.Tests.TelemetryTests

open System
open System.Collections.Concurrent
open System.Collections.Generic
open System.Diagnostics
open System.Diagnostics.Metrics
open System.Diagnostics.Tracing
open CellOS.Export.S3
open Expecto
open Facade.Tests.Support
open LoopbackS3

/// Of all pushes in this process: other tests run at the same time.
let private heard = ConcurrentQueue<string>()

let private tags (tags: KeyValuePair<string, objnull> seq) =
    String.Join(" ", [ for tag in tags -> $"{tag.Key}={tag.Value}" ])

/// The documented event sources; `Private.InternalDiagnostics.…` prints whole URLs, and the README says so.
type private Events() =
    inherit EventListener()

    override this.OnEventSourceCreated source =
        if source.Name.StartsWith("System.Net.", StringComparison.Ordinal) then
            this.EnableEvents(source, EventLevel.Verbose, EventKeywords.All)

    override _.OnEventWritten event =
        let payload = event.Payload |> Option.ofObj |> Option.map List.ofSeq
        heard.Enqueue $"event {event.EventName} %A{payload}"

let private metrics () =
    let listener = new MeterListener()

    listener.InstrumentPublished <-
        fun instrument listener ->
            if
                instrument.Meter.Name.StartsWith("System.Net.", StringComparison.Ordinal)
                || instrument.Meter.Name = S3ExportTelemetry.MeterName
            then
                listener.EnableMeasurementEvents instrument

    let note (instrument: Instrument) labels =
        heard.Enqueue $"metric {instrument.Name} {tags labels}"

    listener.SetMeasurementEventCallback<double>(fun instrument _ labels _ ->
        note instrument (labels.ToArray()))

    listener.SetMeasurementEventCallback<int64>(fun instrument _ labels _ ->
        note instrument (labels.ToArray()))

    listener.Start()
    listener

let private activities () =
    let listener =
        new ActivityListener(
            ShouldListenTo = (fun _ -> true),
            Sample = (fun _ -> ActivitySamplingResult.AllDataAndRecorded),
            ActivityStopped =
                fun activity ->
                    heard.Enqueue
                        $"activity {activity.OperationName} {activity.DisplayName} {tags activity.TagObjects} {activity.StatusDescription}"

                    for event in activity.Events do
                        heard.Enqueue $"event of {activity.OperationName} {event.Name} {tags event.Tags}"
        )

    ActivitySource.AddActivityListener listener
    listener

/// The source that the instrumentations of HttpClient listen to: its events carry the request itself.
let private diagnostics () =
    DiagnosticListener.AllListeners.Subscribe(fun source ->
        source.Subscribe(fun (event: KeyValuePair<string, objnull>) ->
            heard.Enqueue $"diagnostic {source.Name} {event.Key} {event.Value}")
        |> ignore)

[<Tests>]
let tests =
    testList "no secret is told by .NET and this library" [
        for name, fault in
            [
                "of a success", Fault.None
                "of a refusal", Fault.Status(403, "AccessDenied")
                "of a reset", Fault.ResetBeforeBody
            ] do
            testCaseTask name (fun () ->
                task {
                    use! scene = scene "a" (patterned 100)
                    scene.Server.MisbehaveAlways(bucket, scene.Key, fault)
                    use source = new ActivitySource("the host")
                    use _events = new Events()
                    use _metrics = metrics ()
                    use _activities = activities ()
                    use _diagnostics = diagnostics ()
                    use _activity = source.StartActivity "export"
                    use sink = sinkFor scene.Url

                    try
                        let! _ = sink.PushAsync("a", scene.Path)
                        ()
                    with :? CellOS.Export.ExportException ->
                        ()

                    let port = string scene.Server.Endpoint.Port
                    let ours = heard |> Seq.filter _.Contains(port) |> String.concat "\n"

                    for kind in [ "event RequestStart"; "metric http.client.request.duration" ] do
                        Expect.stringContains ours kind "the listeners hear"

                    // Those of other pushes, too.
                    let all = String.concat "\n" heard

                    for kind in
                        [
                            "activity S3.PutObject"
                            "event of S3.PutObject cellos.export.attempt"
                            "metric cellos.export.attempts"
                            "metric cellos.export.duration"
                        ] do
                        Expect.stringContains all kind "the listeners hear this library"

                    let signature = scene.Url.Substring(scene.Url.IndexOf "X-Amz-Signature=" + 16)
                    Expect.equal signature.Length 64 "the signature is the last parameter"
                    Expect.isEmpty (heard |> Seq.filter _.Contains(signature) |> List.ofSeq) "no signature"
                })
    ]
