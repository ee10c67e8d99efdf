/// Push and drain, killed again and again while the store goes away and comes back.
module Cli.Tests.SpoolKillTests

open System
open System.Collections.Generic
open System.Diagnostics
open System.IO
open System.Text.Json
open System.Threading
open System.Threading.Tasks
open Expecto
open LoopbackS3
open Cli.Tests.Scene
open Cli.Tests.SpoolScene
open Cli.Tests.Support

let private names = [ for i in 1..500 -> $"d{i % 7}/f{i}.bin" ]
let private digests = dict [ for name in names -> name, sha256 (contentOf name) ]

/// The artifacts that a line of standard output says are safe: exported, or in the spool.
let private safe (output: string) = [
    // A kill may cut the last line.
    for line in
        output.Substring(0, output.LastIndexOf '\n' + 1).Split('\n', StringSplitOptions.RemoveEmptyEntries) do
        let line = JsonDocument.Parse(line).RootElement
        let name = text "artifactName" line

        match line.TryGetProperty "error" with
        | true, error when fst (error.TryGetProperty "spooled") -> name
        | true, _ -> ()
        | _ -> name
]

/// Looks again and again whether each artifact is somewhere: in the bundle, in the spool or in the store. Artifacts move in this
/// order, and so does the look.
type private Watch(scene: SpoolScene) =
    let stop = new CancellationTokenSource()
    let mutable looks = 0

    let look () =
        let missing = HashSet<string>(names)

        for file in Directory.GetFiles(scene.Out, "*", SearchOption.AllDirectories) do
            missing.Remove(Path.GetRelativePath(scene.Out, file)) |> ignore

        if missing.Count > 0 then
            missing.ExceptWith scene.Kept

        if missing.Count > 0 then
            let objects = scene.Server.Objects

            for name in List.ofSeq missing do
                match objects.TryGetValue(struct (bucket, $"cell-7/{name}")) with
                | true, stored when stored.Sha256 = digests[name] -> missing.Remove name |> ignore
                | _ -> ()

        looks <- looks + 1
        List.ofSeq missing

    let watching =
        Task.Run<string list>(fun () ->
            let mutable lost = []

            while lost.IsEmpty && not stop.IsCancellationRequested do
                lost <- look ()
                // The runs need the processor, too.
                Thread.Sleep 20

            lost)

    member _.End() =
        task {
            stop.Cancel()
            let! lost = watching

            Expect.isEmpty
                lost
                "at a moment, an artifact was neither in the bundle nor in the spool nor in the store"

            Expect.isEmpty (look ()) "and at the end"
            return looks
        }

[<Tests>]
let tests =
    testSequenced (
        testList "a spool" [
            testCaseTask
                "loses nothing in 50 kills of push and drain, while the store goes away and comes back"
                (fun () ->
                    task {
                        use! scene = spoolScene names
                        let random = Random 20261129
                        let variables = scene.Variables
                        let ofPush = scene.Folder.At "push.jsonl"
                        let ofDrain = scene.Folder.At "drain.jsonl"
                        let watch = Watch scene
                        let mutable kills = 0
                        let mutable spooled = 0
                        let mutable together = 0

                        /// What the host of a cell does: evidence that is safe is not needed here any more. A kill may cost the line of an
                        /// artifact that has its receipt, which the next push skips.
                        let forget (output: string) =
                            for name in safe output @ (receiptsIn ofPush |> List.map _.ArtifactName) do
                                File.Delete(Path.Join(scene.Out, name))

                        let holds () =
                            for receipt in receiptsIn ofPush @ receiptsIn ofDrain do
                                let stored =
                                    Expect.wantSome
                                        (scene.Scene.Stored $"cell-7/{receipt.ArtifactName}")
                                        "a receipt is of an object"

                                Expect.equal stored.Sha256 receipt.Sha256 "it is what was stored"
                                Expect.equal stored.Sha256 digests[receipt.ArtifactName] "intact"

                        /// Kills a run after some lines, and returns what it wrote.
                        let kill (child: Child) =
                            task {
                                let lines = random.Next 10
                                let wait = random.Next(if lines = 0 then 300 else 15)
                                let read = Text.StringBuilder()
                                let mutable left = lines

                                while left > 0 do
                                    let! line = child.ReadLine()

                                    match line with
                                    | null -> left <- 0
                                    | line ->
                                        read.Append(line).Append('\n') |> ignore
                                        left <- left - 1

                                do! Task.Delay wait
                                child.Kill()
                                let! struct (code, rest, _) = child.End()

                                if code > 128 then
                                    kills <- kills + 1

                                return read.Append(rest).ToString()
                            }

                        while kills < 50 do
                            if random.Next 3 > 0 then
                                scene.GoAway()
                            else
                                // So slow that a run does not get far before it is killed.
                                scene.Server.OnAttempt <- fun _ -> Fault.SlowRead 20_000

                            let isPushed = random.Next 3 > 0
                            let isDrained = not isPushed || random.Next 3 = 0

                            let children = [
                                if isPushed then
                                    toolWith variables (scene.PushTo ofPush)
                                if isDrained then
                                    toolWith variables (scene.DrainTo ofDrain)
                            ]

                            together <- together + children.Length - 1
                            let! outputs = Task.WhenAll [ for child in children -> kill child ]

                            for child in children do
                                (child :> IDisposable).Dispose()

                            Array.iter forget outputs
                            spooled <- max spooled scene.Kept.Length
                            holds ()

                        // The rest, without kills.
                        scene.GoAway()
                        let! struct (code, output, error) = runToolIn variables (scene.PushTo ofPush)
                        Expect.equal code 3 error
                        forget output

                        Expect.isEmpty
                            (Directory.GetFiles(scene.Out, "*", SearchOption.AllDirectories))
                            "all is safe"

                        scene.ComeBack()
                        let! struct (code, _, error) = runToolIn variables (scene.DrainTo ofDrain)
                        Expect.equal code 0 error
                        let! looks = watch.End()
                        holds ()

                        Expect.sequenceEqual
                            (receiptsIn ofPush @ receiptsIn ofDrain
                             |> Seq.map _.ArtifactName
                             |> Seq.distinct
                             |> Seq.sort)
                            (Seq.sort names)
                            "each artifact has a receipt"

                        for name in names do
                            let stored = Expect.wantSome (scene.Scene.Stored $"cell-7/{name}") name
                            Expect.equal stored.Sha256 digests[name] "stored intact"

                        Expect.isEmpty scene.Entries "the spool is empty"
                        Expect.isGreaterThan looks 50 "it was watched"
                        Expect.isGreaterThan spooled 20 "the spool was used"
                        Expect.isGreaterThan together 3 "push and drain ran at the same time"
                    })
        ]
    )
