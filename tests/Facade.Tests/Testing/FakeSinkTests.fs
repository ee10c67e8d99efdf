/// What tests of code that exports are given.
module Facade.Tests.FakeSinkTests

open System
open System.Threading
open CellOS.Export
open CellOS.Export.S3
open CellOS.Export.Testing
open Expecto
open Facade.Tests.BatchSupport
open Facade.Tests.Support

[<Tests>]
let tests =
    testList "the fake sink" [
        testCaseTask "gives receipts of the files as they are" (fun () ->
            task {
                use folder = new Folder()
                let content = patterned 1000
                let path = folder.Write("f", content)
                let sink = FakeExportSink(CellId = "cell-7", TargetName = "t")
                let metadata = ExportArtifactMetadata(ContentType = "text/plain")
                let! receipt = (sink :> IExportSink).PushAsync("logs/a", path, metadata)

                Expect.equal
                    receipt
                    (FakeReceipt.Of("logs/a", ReadOnlySpan content, "cell-7", "t"))
                    "the same as is made by hand"

                Expect.equal receipt.BytesWritten 1000L "its length"

                Expect.equal
                    receipt.Sha256
                    (Convert.ToHexStringLower(Security.Cryptography.SHA256.HashData content))
                    "its digest"

                Expect.equal receipt.Destination (sink.DestinationHint "logs/a") "its address"

                Expect.sequenceEqual
                    sink.Pushed
                    [ ExportArtifact("logs/a", path, metadata) ]
                    "what was pushed"

                Expect.sequenceEqual sink.Receipts [ receipt ] "what was returned"
            })

        testCaseTask "fails as the test chooses, in a batch too" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.Write("f", patterned 10)

                let sink =
                    FakeExportSink(
                        FailureOf =
                            Func<_, _>(fun name ->
                                if name = "b" then Nullable ExportFailureKind.Unavailable else Nullable())
                    )

                let! results =
                    readAll (
                        (sink :> IExportSink).PushManyAsync [
                            for name in [ "a"; "b"; "c" ] -> ExportArtifact(name, path)
                        ]
                    )

                let kinds =
                    results
                    |> Seq.map (fun result ->
                        result.Artifact.Name,
                        result.Failure
                        |> Option.ofObj
                        |> Option.map (fun failure -> failure.Kind, failure.ArtifactName))
                    |> Seq.sortBy fst
                    |> List.ofSeq

                Expect.equal
                    kinds
                    [ "a", None; "b", Some(ExportFailureKind.Unavailable, "b"); "c", None ]
                    "one failure"

                Expect.hasLength sink.Pushed 3 "all were pushed"
                Expect.hasLength sink.Receipts 2 "two have a receipt"
            })

        testCaseTask "a batch takes the options as they are when it is asked for" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.Write("f", patterned 10)
                let sink = FakeExportSink() :> IExportSink
                let options = ExportBatchOptions(MaxConcurrency = 2)

                let batch =
                    sink.PushManyAsync([ for name in [ "a"; "b" ] -> ExportArtifact(name, path) ], options)

                options.MaxConcurrency <- 0
                options.OnCompleted <- fun _ _ -> raise (InvalidOperationException "not asked for")
                let! results = readAll batch
                Expect.hasLength results 2 "as if nothing had changed"
            })

        testCaseTask "refuses what a sink of this library refuses" (fun () ->
            task {
                let sink = FakeExportSink() :> IExportSink

                let! missing =
                    task {
                        try
                            let! _ = sink.PushAsync("a", "/nowhere/f")
                            return None
                        with :? ExportException as failure ->
                            return Some failure.Kind
                    }

                Expect.equal missing (Some ExportFailureKind.SourceNotFound) "no file"
                Expect.throwsT<ArgumentException> (fun () -> sink.DestinationHint "../a" |> ignore) "a name"
                use cancelled = new CancellationTokenSource()
                cancelled.Cancel()

                let! isCancelled =
                    task {
                        try
                            let! _ = sink.PushAsync("a", "/nowhere/f", cancellationToken = cancelled.Token)
                            return false
                        with :? OperationCanceledException ->
                            return true
                    }

                Expect.isTrue isCancelled "a cancelled push"
            })

        testCase "has destinations of the kind that it claims" (fun () ->
            for kind, destination in
                [
                    ExportTargetKind.S3, "s3://fake-bucket/cell-1/a"
                    ExportTargetKind.Http, "https://fake.example/cell-1/a"
                    ExportTargetKind.Local, "/fake/cell-1/a"
                ] do
                let sink = FakeExportSink(TargetKind = kind)
                Expect.equal (sink.DestinationHint "a") destination destination)

        testCase "a receipt by hand has every rendering" (fun () ->
            let receipt = FakeReceipt.Of "report.json"
            Expect.stringContains (receipt.ToJson()) "\"artifactName\":\"report.json\"" "JSON"
            Expect.stringContains (receipt.ToCloudEvent()) "report.json" "an event"
            Expect.stringContains (receipt.ToInTotoStatement()) "report.json" "a statement")
    ]
