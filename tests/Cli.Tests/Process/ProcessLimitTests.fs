/// The limit of open files of the tool's own process.
module Cli.Tests.ProcessLimitTests

open System
open System.IO
open CellOS.Export.S3.Cli.Pushing
open Expecto
open Cli.Tests.Scene
open Cli.Tests.Support

let private arguments (scene: Scene) (receipts: string) (out: string) = [
    "push"
    "--spec"
    scene.Spec
    "--cell-id"
    "cell-7"
    "--concurrency"
    "64"
    "--receipts"
    receipts
    "--resume"
    out
]

let private limited (limit: int) variables (arguments: string list) =
    task {
        use child =
            new Child(
                "sh",
                [ "-c"; "ulimit -n \"$0\"; exec \"$@\""; string limit; yield! tool ] @ arguments,
                variables
            )

        return! child.End()
    }

let private blamesOthers (error: string) =
    [ "network"; "the disk"; "connection failed"; "Unreachable"; "Unexpected" ]
    |> List.filter error.Contains

[<Tests>]
let tests =
    testList "limits of the process" [
        testCase "the number of artifacts at once follows from the limit and from what is open" (fun () ->
            for limit, isOpen, fitting in
                [
                    1024L, 90, 217
                    256L, 90, 25
                    160L, 90, 1
                    157L, 90, 0
                    64L, 90, 0
                    0L, 0, 0
                    Int64.MaxValue, 90, Int32.MaxValue
                ] do
                Expect.equal (OpenFiles.Fitting(limit, isOpen)) fitting $"{limit} with {isOpen} open")

        testCaseTask
            "a low limit of open files is named, loses no artifact, and --resume completes the export"
            (fun () ->
                task {
                    if not (OperatingSystem.IsLinux()) then
                        skiptest "needs Linux"

                    use! scene = sceneBehind true
                    let names = [ for i in 1..100 -> $"f{i}" ]

                    for name in names do
                        scene.Folder.Write($"out/{name}", name) |> ignore

                    let out = scene.Folder.At "out"
                    let codes = ResizeArray<int>()
                    let mutable reduced = 0

                    for limit in 40..20..260 do
                        let receipts = scene.Folder.At $"{limit}.jsonl"
                        let arguments = arguments scene receipts out
                        let before = scene.Server.Requests.Count
                        let! struct (code, output, error) = limited limit scene.SeedVariables arguments
                        codes.Add code
                        Expect.contains [ 0; 2 ] code $"{limit}: {error}"
                        Expect.isEmpty (blamesOthers error) $"{limit}: {error}"

                        let lines = if File.Exists receipts then (File.ReadAllLines receipts).Length else 0

                        if error.Contains "artifacts at once instead of 64" then
                            reduced <- reduced + 1

                        if code = 0 then
                            Expect.equal lines 100 $"{limit}: receipts"
                            objects output |> List.iter scene.IsTrue
                        else
                            Expect.stringContains error "limit of open files" $"{limit}: {error}"
                            Expect.stringContains error "ulimit -n" $"{limit}: {error}"
                            Expect.equal lines 0 $"{limit}: receipts"
                            Expect.equal scene.Server.Requests.Count before $"{limit}: nothing was sent"

                            let! struct (code, _, error) = runToolIn scene.SeedVariables arguments
                            Expect.equal code 0 $"without the limit: {error}"
                            Expect.equal (File.ReadAllLines receipts).Length 100 "all receipts"

                    Expect.contains codes 2 "a limit that is too low is refused"
                    Expect.contains codes 0 "a limit that is high enough is not"
                    Expect.isGreaterThan reduced 0 "fewer artifacts at once"
                })
    ]
