/// A bundle, a spool, and a store that goes away and comes back.
module Cli.Tests.SpoolScene

open System
open System.IO
open Expecto
open LoopbackS3
open CellOS.Export.S3.Core
open Cli.Tests.Scene
open Cli.Tests.Support

let spoolVariable = "CELLOS_EXPORT_S3_SPOOL_DIR" + suffix

let contentOf (name: string) =
    let random = Random(name.GetHashCode StringComparison.Ordinal)
    let bytes = Array.zeroCreate<byte>(200 + random.Next 800)
    random.NextBytes bytes
    bytes

type SpoolScene(scene: Scene, names: string list) =
    let out = scene.Folder.At "out"

    do
        for name in names do
            let path = Path.Join(out, name)
            Directory.CreateDirectory(nonNull (Path.GetDirectoryName path)) |> ignore
            File.WriteAllBytes(path, contentOf name)

    member _.Scene = scene
    member _.Server = scene.Server
    member _.Folder = scene.Folder
    member _.Out = out
    member _.Spool = scene.Folder.At "spool"
    member _.Receipts = scene.Folder.At "receipts.jsonl"

    member _.GoAway() =
        scene.Server.OnAttempt <- fun _ -> Fault.Status(503, "SlowDown")

    member _.ComeBack() = scene.Server.OnAttempt <- null

    member this.Variables =
        scene.Manifest("cell-7", names)
        @ [ spoolVariable, this.Spool; "CELLOS_EXPORT_S3_MAX_ATTEMPTS" + suffix, "1" ]

    member this.PushTo(receipts: string) = [
        "push"
        "--spec"
        scene.Spec
        "--cell-id"
        "cell-7"
        "--receipts"
        receipts
        "--resume"
        out
    ]

    member this.Push = this.PushTo this.Receipts
    member _.Drain = [ "drain"; "--spec"; scene.Spec ]
    member this.DrainTo(receipts: string) = this.Drain @ [ "--receipts"; receipts ]

    member this.Entries =
        if Directory.Exists this.Spool then
            Directory.GetDirectories this.Spool
        else
            [||]

    /// The names of the artifacts whose entry is whole: a note, and a copy with the digest that it names.
    member this.Kept = [
        for entry in this.Entries do
            try
                match
                    SpoolNote.parseUtf8 (
                        ReadOnlyMemory(File.ReadAllBytes(Path.Join(entry, SpoolEntry.NoteFile)))
                    )
                with
                | Error refusal -> failtest refusal.Message
                | Ok note ->
                    let copy = File.ReadAllBytes(Path.Join(entry, SpoolEntry.content note.Sha256))

                    if sha256 copy = note.Sha256 then
                        ArtifactName.value note.ArtifactName
            with
            // It was just removed, or is not complete yet.
            | :? FileNotFoundException
            | :? DirectoryNotFoundException -> ()
    ]

    interface IAsyncDisposable with
        member _.DisposeAsync() =
            (scene :> IAsyncDisposable).DisposeAsync()

let spoolSceneBehind (isGateway: bool) (names: string list) =
    task {
        let! scene = sceneBehind isGateway
        return new SpoolScene(scene, names)
    }

let spoolScene (names: string list) = spoolSceneBehind false names

/// The receipts of a file's whole lines, without marks of uploads.
let receiptsIn (path: string) : Receipt list =
    if File.Exists path then
        let text = textOf path

        [
            for line in
                text
                    .Substring(0, text.LastIndexOf '\n' + 1)
                    .Split('\n', StringSplitOptions.RemoveEmptyEntries) do
                match Receipt.parse line with
                | Ok receipt -> receipt
                | Error refusal when not (line.Contains "\"upload\":") ->
                    failtestf "%s: %s" refusal.Message line
                | Error _ -> ()
        ]
    else
        []
