/// `ExportSinkExtensions`: progress and batches of any sink.
module Facade.Tests.ForeignSinkTests

open System
open System.Collections.Concurrent
open System.Collections.Generic
open System.IO
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Facade.Tests.BatchSupport
open Facade.Tests.Support

/// A sink of another library: `fails` names what it refuses.
type private ForeignSink(fails: string -> bool) =
    let pushed = ConcurrentQueue<struct (string * string)>()
    let mutable atOnce = 0
    let mutable most = 0

    member _.Pushed = List.ofSeq pushed
    member _.MostAtOnce = most

    interface IExportSink with
        member _.TargetKind = ExportTargetKind.Http
        member _.DestinationHint name = $"mem://{name}"

        member _.PushAsync(name, path, _, cancellationToken) =
            task {
                let now = Interlocked.Increment &atOnce
                lock pushed (fun () -> most <- max most now)
                do! Task.Delay(5, cancellationToken)
                Interlocked.Decrement &atOnce |> ignore

                if fails name then
                    raise (ExportException(ExportFailureKind.Unavailable, "busy"))

                pushed.Enqueue(struct (name, path))

                return
                    ExportReceipt(
                        TargetKind = ExportTargetKind.Http,
                        Destination = $"mem://{name}",
                        CellId = "cell-1",
                        ArtifactName = name,
                        BytesWritten = 7L,
                        Sha256 = String('0', 64),
                        Integrity = "unverified",
                        Attempts = 2,
                        StartedAt = DateTimeOffset.UnixEpoch,
                        CompletedAt = DateTimeOffset.UnixEpoch
                    )
            }

/// Keeps reports in their order.
type private Reports() =
    let reports = List<ExportProgress>()
    member _.All = List.ofSeq reports

    interface IProgress<ExportProgress> with
        member _.Report report =
            lock reports (fun () -> reports.Add report)

let private artifacts names =
    names |> List.map (fun name -> ExportArtifact(name, $"/evidence/{name}"))

let private refusalOf (start: unit -> IAsyncEnumerable<ExportResult>) =
    try
        start () |> ignore
        failtest "it should be refused"
    with :? ArgumentException as refused ->
        refused.Message

[<Tests>]
let tests =
    testList "Sinks of other libraries" [
        testCaseTask "export many artifacts, as many at once as asked, and fail one by one" (fun () ->
            task {
                let sink = ForeignSink(fun name -> name = "a3")
                let names = [ for i in 1..20 -> $"a{i}" ]

                let! results =
                    readAll (
                        (sink :> IExportSink)
                            .PushManyAsync(artifacts names, ExportBatchOptions(MaxConcurrency = 3))
                    )

                let failed = results |> List.filter (fun result -> not result.IsExported)
                Expect.equal (failed |> List.map _.Artifact.Name) [ "a3" ] "the one that failed"
                Expect.hasLength results 20 "a result for each"
                Expect.isLessThanOrEqual sink.MostAtOnce 3 "at once"
                Expect.isGreaterThan sink.MostAtOnce 1 "not one by one"

                Expect.equal
                    (sink.Pushed
                     |> List.map (fun struct (name, path) -> path = $"/evidence/{name}")
                     |> List.distinct)
                    [ true ]
                    "under their paths"
            })

        testCase "are asked for nothing if the batch is not valid" (fun () ->
            let sink = ForeignSink(fun _ -> false)

            for names, said in
                [
                    [ "a"; "b"; "a" ], "is that of artifact 1 as well"
                    [ "a"; "../b" ], "of artifact 2"
                    [ "a"; "" ], "of artifact 2"
                ] do
                Expect.stringContains
                    (refusalOf (fun () -> (sink :> IExportSink).PushManyAsync(artifacts names)))
                    said
                    "why"

            let refusal =
                refusalOf (fun () ->
                    (sink :> IExportSink)
                        .PushManyAsync(artifacts [ "a" ], ExportBatchOptions(MaxConcurrency = 0)))

            Expect.stringContains refusal "Give 1 to 256" "why"
            Expect.isEmpty sink.Pushed "nothing")

        testCaseTask "report their progress before and after" (fun () ->
            task {
                let reports = Reports()

                let! receipt =
                    (ForeignSink(fun _ -> false) :> IExportSink)
                        .PushAsync(ExportArtifact("a", "/evidence/a"), reports)

                Expect.equal receipt.BytesWritten 7L "a receipt"

                Expect.equal
                    reports.All
                    [ ExportProgress("a", 1, 0L, 0L); ExportProgress("a", 2, 7L, 7L) ]
                    "before and after"
            })

        testCaseTask "give their receipt although the progress object throws" (fun () ->
            task {
                let throwing = {
                    new IProgress<ExportProgress> with
                        member _.Report _ = invalidOp "broken"
                }

                let! receipt =
                    (ForeignSink(fun _ -> false) :> IExportSink)
                        .PushAsync(ExportArtifact("a", "/evidence/a"), throwing)

                Expect.equal receipt.ArtifactName "a" "the receipt"
            })

        testCaseTask "get the whole path of an artifact below a root" (fun () ->
            task {
                use folder = new Folder()
                Directory.CreateDirectory(folder.At "logs") |> ignore
                folder.Write("logs/a", [| 1uy |]) |> ignore
                use root = ExportRoot.Open folder.Path
                let sink = ForeignSink(fun _ -> false)

                let! _ = (sink :> IExportSink).PushAsync(ExportArtifact("a", "logs/a", Root = root))

                Expect.equal sink.Pushed [ struct ("a", Path.Join(folder.Path, "logs/a")) ] "the path"
            })

        testCaseTask "are not what this library's own sinks are taken for" (fun () ->
            task {
                use folder = new Folder()
                let file = folder.Write("a", patterned 8)
                let reports = Reports()
                let sink: IExportSink = LocalExportSink(folder.At "out", "cell-1")
                let! receipt = sink.PushAsync(ExportArtifact("a", file), reports)
                Expect.equal receipt.BytesWritten 8L "the receipt"

                Expect.equal
                    (List.last reports.All)
                    (ExportProgress("a", 1, 8L, 8L))
                    "its own progress, which knows the length"

                let! results = readAll (sink.PushManyAsync [ ExportArtifact("b", file) ])
                Expect.isTrue (List.exactlyOne results).IsExported "its own batch"
            })
    ]
