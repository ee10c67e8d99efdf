module Facade.Tests.ProgressTests

open System
open System.Net.Http
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Facade.Tests.Support
open Facade.Tests.BatchSupport
open LoopbackS3

let private lengths = [ 0; 1; 65_535; 65_536; 65_537; 1_500_000 ]

/// Throws from the given report on.
type private Throwing(from: int) =
    let mutable count = 0
    member _.Count = count

    interface IProgress<ExportProgress> with
        member _.Report _ =
            count <- count + 1

            if count >= from then
                raise (InvalidOperationException "the console is gone")

/// Does something at each report.
type private Doing(act: ExportProgress -> unit) =
    interface IProgress<ExportProgress> with
        member _.Report report = act report

[<Tests>]
let tests =
    testList "the progress of a push" [
        for length in lengths do
            testCaseTask $"goes from 0 to {length}" (fun () ->
                task {
                    use! scene = scene "a" (patterned length)
                    use sink = sinkFor scene.Url
                    let reports = Reports()
                    let! receipt = sink.PushAsync(ExportArtifact("a", scene.Path), reports)
                    receipt |> isTrueOf scene
                    reports.Of "a" |> isLawful length true
                })

        for name, fault in
            [
                "a 503 after the body", Fault.Status(503)
                "a 503 before the body", Fault.Status(503, beforeBody = true)
                "a reset before the body", Fault.ResetBeforeBody
                "a reset within the body", Fault.ResetWithinBody 400_000L
                "a flipped bit", Fault.Corrupt
            ] do
            testCaseTask $"starts anew after {name}" (fun () ->
                task {
                    use! scene = scene "a" (patterned 1_000_000)
                    scene.Server.Misbehave(bucket, scene.Key, fault, fault)
                    let options = optionsFor scene.Url
                    use sink = new PresignedS3ExportSink(options)
                    let reports = Reports()

                    let! isStored =
                        task {
                            try
                                let! receipt = sink.PushAsync(ExportArtifact("a", scene.Path), reports)
                                Expect.equal receipt.Attempts 3 "three attempts"
                                return true
                            with :? ExportException as failure ->
                                // What arrives damaged is tried once more, and no more.
                                Expect.equal failure.Kind ExportFailureKind.IntegrityMismatch "kind"
                                return false
                        }

                    let reports = reports.Of "a"
                    reports |> isLawful 1_000_000 isStored
                    Expect.hasLength (reports |> List.distinctBy _.Attempt) scene.Puts.Length "every attempt"
                })

        testCaseTask "never goes back, though the transport sends the body again" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.Write("f", patterned 200_000)

                use sink =
                    scriptedSink (options 1) TimeProvider.System 0.5 (fun request _ ->
                        task {
                            let! _ = drain request
                            let! _ = drain request
                            return done' ()
                        })

                let reports = Reports()
                let! _ = sink.PushAsync(ExportArtifact("a", path), reports)
                reports.Of "a" |> isLawful 200_000 true
            })

        testCaseTask "is not told of an attempt that is over" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.Write("f", patterned 200_000)
                let begun = pending ()
                let hold = pending ()
                let mutable straggler = Task.CompletedTask

                // Still at its first buffer when the answer comes, as after an early refusal.
                let slowly (request: HttpRequestMessage) =
                    let touch _ (cancellation: CancellationToken) =
                        begun.TrySetResult() |> ignore
                        hold.Task.WaitAsync(TimeSpan.FromSeconds 20., cancellation)

                    Task.Run(fun () -> (nonNull request.Content).CopyToAsync(new ReceivingStream(touch)))

                use sink =
                    scriptedSink (options 2) TimeProvider.System 0.5 (fun request _ ->
                        task {
                            if not begun.Task.IsCompleted then
                                straggler <- slowly request
                                do! begun.Task
                                return new HttpResponseMessage(enum<Net.HttpStatusCode> 503)
                            else
                                let! _ = drain request
                                return done' ()
                        })

                let reports = Reports()
                let! receipt = sink.PushAsync(ExportArtifact("a", path), reports)
                Expect.equal receipt.Attempts 2 "two attempts"
                hold.SetResult()

                try
                    do! straggler
                with _ ->
                    // The file is closed by now: how the straggler ends is not the point.
                    ()

                reports.Of "a" |> isLawful 200_000 true
            })

        for from in [ 1; 2; 5 ] do
            testCaseTask $"that throws from report {from} on costs reports, and no receipt" (fun () ->
                task {
                    use! scene = scene "a" (patterned 1_000_000)
                    scene.Server.Misbehave(bucket, scene.Key, Fault.Status(503))
                    let log = LogBook()
                    use sink = new PresignedS3ExportSink(optionsFor scene.Url, TimeProvider.System, log)
                    let progress = Throwing from
                    let! receipt = sink.PushAsync(ExportArtifact("a", scene.Path), progress)
                    receipt |> isTrueOf scene
                    Expect.equal receipt.Attempts 2 "as many attempts as without"
                    Expect.equal progress.Count from "it is not called again"

                    let told =
                        log.Lines |> List.filter (fun line -> line.Contains "InvalidOperationException")

                    Expect.hasLength told 1 "the log says so, once"
                    Expect.isFalse (told[0].Contains "the console is gone") "without its words"
                })

        testCaseTask "that throws in a batch loses nothing" (fun () ->
            task {
                use! server = LoopbackS3Server.StartAsync()
                use folder = new Folder()
                use sink = sinkThrough server (options 1)
                let artifacts = artifactsOf (folder.Write("f", patterned 1000)) 20

                let options =
                    ExportBatchOptions(Progress = Doing(fun _ -> raise (OperationCanceledException())))

                let! results = readAll (sink.PushManyAsync(artifacts, options))
                Expect.hasLength results 20 "all"
                Expect.all results (receiptOf >> isTrueAt server) "with true receipts"
            })

        testCaseTask "may cancel the push from within" (fun () ->
            task {
                use! scene = scene "a" (patterned 1_000_000)
                use sink = sinkFor scene.Url
                use source = new CancellationTokenSource()

                let progress =
                    Doing(fun report ->
                        if report.BytesSent > 100_000L then
                            source.Cancel())

                let! cancelled =
                    task {
                        try
                            let! _ = sink.PushAsync(ExportArtifact("a", scene.Path), progress, source.Token)
                            return false
                        with :? OperationCanceledException ->
                            return true
                    }

                Expect.isTrue cancelled "cancelled"
                Expect.isNone scene.Stored "nothing stored"
            })

        testCaseTask "is asked for or not: the overloads do the same" (fun () ->
            task {
                use! scene = scene "a" (patterned 1000)
                use sink = sinkFor scene.Url
                let artifact = ExportArtifact(Name = "a", Path = scene.Path)
                Expect.equal artifact (ExportArtifact("a", scene.Path)) "one artifact"
                let! first = sink.PushAsync("a", scene.Path)
                let! second = sink.PushAsync artifact
                let! third = sink.PushAsync(artifact, null)
                let! fourth = sink.PushAsync(artifact, cancellationToken = CancellationToken.None)
                let! fifth = sink.PushAsync("a", scene.Path, null, CancellationToken.None)
                let sink: IExportSink = sink
                let! sixth = sink.PushAsync("a", scene.Path)

                for receipt in [ first; second; third; fourth; fifth; sixth ] do
                    receipt |> isTrueOf scene
            })
    ]
