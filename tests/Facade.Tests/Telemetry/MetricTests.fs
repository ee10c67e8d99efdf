/// The instruments, as the OpenTelemetry SDK sees them.
module Facade.Tests.MetricTests

open System
open System.Net
open System.Net.Http
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open LoopbackS3
open Facade.Tests.Listeners
open Facade.Tests.Support

/// Instrument, unit, tags besides the target's name, and the value: a count for the histogram.
let private rowsOf (metrics: Metrics) (target: string) =
    metrics.Of target
    |> List.map (fun series ->
        let tags =
            series.Tags
            |> Map.remove "cellos.export.target.name"
            |> Map.toList
            |> List.map (fun (name, value) -> $"{name}={value}")
            |> String.concat " "

        let value = if series.Bounds.IsEmpty then series.Sum else float series.Count

        series.Instrument, series.Unit, tags, value)
    |> List.sort

let private attempted = "cellos.export.attempts", "{attempt}"
let private sent = "cellos.export.sent", "By"
let private pushed = "cellos.export.pushes", "{push}"
let private failed = "cellos.export.failures", "{failure}"
let private lasted = "cellos.export.duration", "s"

let private row (name, unit') tags value = name, unit', tags, value

[<Tests>]
let tests =
    testList "the metrics of pushes" [
        testCaseTask "count pushes, attempts, bytes and failures by their kinds" (fun () ->
            task {
                use! scene = scene "a" (patterned 1000)
                let target = newTarget ()
                use metrics = new Metrics()
                use sink = new PresignedS3ExportSink(optionsOf target scene.Url)
                scene.Server.Misbehave(bucket, scene.Key, Fault.Status(503, "SlowDown"))
                let! _ = sink.PushAsync("a", scene.Path)
                let! _ = sink.PushAsync("a", scene.Path)
                scene.Server.MisbehaveAlways(bucket, scene.Key, Fault.Status(403, "AccessDenied"))
                let! _ = failureOf (fun () -> sink.PushAsync("a", scene.Path))
                let! _ = failureOf (fun () -> sink.PushAsync("a", scene.Folder.At "missing"))

                Expect.sequenceEqual
                    (rowsOf metrics target)
                    (List.sort [
                        row attempted "http.response.status_code=200" 2.
                        row attempted "error.type=503 http.response.status_code=503" 1.
                        row attempted "error.type=403 http.response.status_code=403" 1.
                        row sent "" 2000.
                        row sent "error.type=503" 1000.
                        row sent "error.type=403" 1000.
                        row pushed "cellos.export.outcome=exported" 2.
                        row pushed "cellos.export.outcome=failed" 2.
                        row failed "error.type=Refused" 1.
                        row failed "error.type=SourceNotFound" 1.
                        row lasted "cellos.export.outcome=exported" 2.
                        row lasted "cellos.export.outcome=failed error.type=Refused" 1.
                        row lasted "cellos.export.outcome=failed error.type=SourceNotFound" 1.
                    ])
                    "the rows"
            })

        testCaseTask "count a cancellation as a push, and not as a failure" (fun () ->
            task {
                use! scene = scene "a" (patterned 1000)
                scene.Server.MisbehaveAlways(bucket, scene.Key, Fault.Silence true)
                let target = newTarget ()
                use metrics = new Metrics()
                use sink = new PresignedS3ExportSink(optionsOf target scene.Url)
                use cancel = new CancellationTokenSource()
                let push = sink.PushAsync("a", scene.Path, cancellationToken = cancel.Token)

                do!
                    waitFor "the body" (fun () ->
                        scene.Puts |> List.exists (fun put -> put.BodySha256 <> null))

                cancel.Cancel()
                let! _ = Task.WhenAny(push :> Task)

                Expect.sequenceEqual
                    (rowsOf metrics target)
                    (List.sort [
                        row attempted "" 1.
                        row sent "" 1000.
                        row pushed "cellos.export.outcome=cancelled" 1.
                        row lasted "cellos.export.outcome=cancelled" 1.
                    ])
                    "the rows"
            })

        testCaseTask "measure whole pushes in seconds of the sink's clock" (fun () ->
            task {
                use folder = new Folder()
                let target = newTarget ()
                use metrics = new Metrics()
                let time = FakeTime(DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero))

                let options =
                    PresignedS3ExportSinkOptions(
                        PresignedUrl = "http://h/x",
                        CellId = cellId,
                        Bucket = bucket,
                        TargetName = target,
                        MaxAttempts = 4,
                        RetryBackoff = TimeSpan.FromSeconds 7.
                    )

                use sink =
                    scriptedSink options time 0. (fun _ _ ->
                        Task.FromResult(new HttpResponseMessage(HttpStatusCode.BadGateway)))

                let push = sink.PushAsync("a", folder.Write("a", patterned 10))
                do! runOn time push
                let! _ = Task.WhenAny(push :> Task)

                let duration =
                    metrics.Of target
                    |> List.filter (fun series -> series.Instrument = fst lasted)
                    |> List.exactlyOne

                Expect.equal duration.Sum 21. "three waits"
                Expect.equal (List.head duration.Bounds) 0.005 "the advised boundaries, from 5 ms"
                Expect.equal (List.last duration.Bounds) 3600. "to an hour"
            })

        for name in [ "PlainMd5"; "AmazonS3Kms"; "GoogleCloudStorage" ] do
            testCaseTask
                $"hold no name of a cell, an artifact or an object, and no checksum: {name}"
                (fun () ->
                    task {
                        use! scene =
                            sceneWith
                                (LoopbackS3Options(Dialect = Dialect.All[name]))
                                "evidence-of-ours.txt"
                                (patterned 10)

                        let target = newTarget ()
                        use metrics = new Metrics()
                        use sink = new PresignedS3ExportSink(optionsOf target scene.Url)
                        let! receipt = sink.PushAsync(scene.Artifact, scene.Path)

                        Expect.equal
                            (receipt.Checksums.Count > 0)
                            (name <> "PlainMd5")
                            "the receipt has what the metrics have not"

                        let series = metrics.Of target
                        Expect.isGreaterThan series.Length 0 "it was heard"

                        for one in series do
                            Expect.isTrue
                                (Set.isSubset
                                    (one.Tags |> Map.keys |> Set.ofSeq)
                                    (set [
                                        "cellos.export.target.name"
                                        "cellos.export.outcome"
                                        "error.type"
                                        "http.response.status_code"
                                    ]))
                                $"the tags of {one}"

                            for checksum in receipt.Checksums do
                                Expect.isFalse
                                    (one.Tags |> Map.exists (fun _ value -> value = checksum.Value))
                                    $"{checksum.Key} would make a time series for each artifact"
                    })
    ]
