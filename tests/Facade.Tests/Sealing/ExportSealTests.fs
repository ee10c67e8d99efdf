module Facade.Tests.ExportSealTests

open System
open System.IO
open System.Threading.Tasks
open CellOS.Export.S3
open CellOS.Export.S3.Core
open CellOS.Export.S3.Files
open CellOS.Export.S3.Sealing
open Expecto
open Facade.Tests.Support
open Facade.Tests.SealSupport

let private sealing (folder: Folder) =
    let key, path = newKey folder "key.pem"
    let seals = folder.At "seals.jsonl"

    key,
    seals,
    (fun (notes: ResizeArray<string>) -> ExportSeal.Open(path, seals, null, Action<string> notes.Add))

let private headOf (head: ExportSealHead) : SealHead = {
    Count = head.Count
    Sha256 = head.Sha256
}

[<Tests>]
let tests =
    // Not while other tests start processes: until a new one runs its program, it holds the locks of this one.
    testSequenced
    <| testList "ExportSeal" [
        testCase "seals runs, each line after the one before it" (fun () ->
            use folder = new Folder()
            let key, seals, openSeal = sealing folder
            use seal = openSeal (ResizeArray())

            let heads = [ for i in 1..3 -> append seal (run [ for j in 1..i -> exported $"logs/{j}" ]) ]

            let found = statements [ key ] seals
            Expect.equal (found |> List.map _.Sequence) [ 1L; 2L; 3L ] "numbers"
            Expect.equal (found |> List.map _.Receipts.Length) [ 1; 2; 3 ] "receipts"
            Expect.equal (heads |> List.map _.Count) [ 1L; 2L; 3L ] "heads"

            for head in heads do
                Expect.equal
                    (SealChecks.anchor (headOf head) (File.ReadAllBytes seals))
                    AnchorStatus.Contained
                    (string head))

        testCase "states what the run came to" (fun () ->
            use folder = new Folder()
            let key, seals, openSeal = sealing folder
            use seal = openSeal (ResizeArray())
            let results = [ exported "a"; failed "b"; exported "d/c" ]

            append seal (Runs.Of(results, skipped = 2L)) |> ignore

            append seal (Runs.Of(results, isInterrupted = true, planned = 9L, toolVersion = "x 1"))
            |> ignore

            let found = statements [ key ] seals
            let first, second = found[0], found[1]
            Expect.equal (first.Planned, first.Skipped) (5L, 2L) "the sum"
            Expect.equal (second.Planned, second.Skipped) (9L, 0L) "as it was given"

            Expect.equal
                (first.Outcome, second.Outcome)
                (SealOutcome.Completed, SealOutcome.Interrupted)
                "ends"

            Expect.equal (first.Receipts |> List.map SealStatement.subjectName) [ "p/c/a"; "p/c/d/c" ] "keys"
            Expect.equal (first.Failures |> List.map _.ArtifactName) [ Some "b" ] "under the artifact's name"
            Expect.equal (first.RunId, first.CellId, first.TargetName) ("run-1", "c", "t") "names"
            Expect.equal (first.StartedAt, first.FinishedAt) (noon, noon.AddSeconds 1.) "times"
            Expect.isMatch first.ToolVersion @"^\d+\.\d+\.\d+" "the version of this library"
            Expect.equal second.ToolVersion "x 1" "as it was given"

            Expect.equal
                (first.Receipts |> List.map Receipt.toJson)
                [
                    for result in results do
                        if result.IsExported then
                            (nonNull result.Receipt).ToJson()
                ]
                "the receipts")

        testCase "gives a run an id of its own" (fun () ->
            let plain () =
                ExportSealRun(
                    CellId = "c",
                    TargetName = "t",
                    StartedAt = noon,
                    FinishedAt = noon,
                    Results = []
                )

            Expect.notEqual (plain().RunId) (plain().RunId) "another one each time"
            use folder = new Folder()
            let key, seals, openSeal = sealing folder
            use seal = openSeal (ResizeArray())
            append seal (plain ()) |> ignore
            Expect.hasLength (statements [ key ] seals) 1 "a run without artifacts")

        testCase "continues a file, also with another key" (fun () ->
            use folder = new Folder()
            let key, seals, openSeal = sealing folder

            for _ in 1..2 do
                use seal = openSeal (ResizeArray())
                append seal (run [ exported "a" ]) |> ignore

            let later, path = newKey folder "later.pem"
            use seal = ExportSeal.Open(path, seals)
            Expect.equal (append seal (run [ exported "a" ])).Count 3L "the third line"
            Expect.hasLength (statements [ key; later ] seals) 3 "all valid")

        testCase "rejects runs that contradict themselves, and leaves the file as it is" (fun () ->
            use folder = new Folder()
            let _, seals, openSeal = sealing folder
            use seal = openSeal (ResizeArray())
            append seal (run [ exported "a" ]) |> ignore
            let before = File.ReadAllBytes seals
            let good = [ exported "a" ]

            for bad in
                [
                    Runs.Of(good, runId = "")
                    Runs.Of(good, runId = "a b")
                    Runs.Of(good, cellId = "../c")
                    Runs.Of(good, target = "")
                    Runs.Of(good, planned = 0L)
                    Runs.Of(good, planned = 2L)
                    Runs.Of(good, skipped = -1L)
                ] do
                Expect.throwsT<ArgumentException> (fun () -> append seal bad |> ignore) "rejected"

            Expect.equal (File.ReadAllBytes seals) before "as it was")

        testCase "seals of several openers at the same time follow each other" (fun () ->
            use folder = new Folder()
            let key, seals, openSeal = sealing folder
            let openers = [ for _ in 1..4 -> openSeal (ResizeArray()) ]

            Task
                .WhenAll(
                    [
                        for seal in openers do
                            for i in 1..10 -> seal.AppendAsync(run [ exported $"{i}" ]) :> Task
                    ]
                )
                .GetAwaiter()
                .GetResult()

            openers |> List.iter _.Dispose()
            Expect.hasLength (statements [ key ] seals) 40 "each line after another one")

        testCase "reports a file that another process does not let go of" (fun () ->
            linuxOnly ()
            use folder = new Folder()
            let _, path = newKey folder "key.pem"
            let seals = folder.At "seals.jsonl"
            use holder = LockedFile.Open(seals, SealFile.Role, TimeSpan.Zero)

            let message =
                refusal (fun () ->
                    ExportSeal.OpenWith(
                        path,
                        seals,
                        null,
                        null,
                        fun () ->
                            LockedFile.Open(seals, SealFile.Role, TimeSpan.FromMilliseconds 100.)
                            :> ILockedFile
                    )
                    |> ignore)

            Expect.stringContains message "in use by another process" "why"
            Expect.stringContains message seals "where"
            holder.Dispose()
            ExportSeal.Open(path, seals).Dispose())

        testCase "rejects a file that was replaced or shortened since it was opened" (fun () ->
            use folder = new Folder()
            let key, path = newKey folder "key.pem"
            let seals = folder.At "seals.jsonl"
            let openSeal () = ExportSeal.Open(path, seals)

            let first =
                use seal = openSeal ()
                append seal (run [ exported "a" ]) |> ignore
                let first = File.ReadAllBytes seals
                append seal (run [ exported "b" ]) |> ignore
                first

            let all = File.ReadAllBytes seals

            for content in [ [||]; first ] do
                File.WriteAllBytes(seals, all)
                use seal = openSeal ()
                File.WriteAllBytes(seals, content)
                let message = refusal (fun () -> append seal (run [ exported "c" ]) |> ignore)
                Expect.stringContains message "does not have line 2 any more" "why"
                Expect.equal (File.ReadAllBytes seals) content "as it was"

            File.WriteAllBytes(seals, all)
            use seal = openSeal ()
            use other = openSeal ()
            append other (run [ exported "c" ]) |> ignore
            Expect.equal (append seal (run [ exported "d" ])).Count 4L "lines of others are no change"
            Expect.hasLength (statements [ key ] seals) 4 "all valid")
    ]
