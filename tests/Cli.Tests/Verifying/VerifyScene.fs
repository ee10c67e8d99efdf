/// Evidence that was exported and sealed, for an auditor.
module Cli.Tests.VerifyScene

open System
open System.IO
open System.Text.Json
open System.Text.RegularExpressions
open Expecto
open Cli.Tests.Scene
open Cli.Tests.SealScene
open Cli.Tests.Support

/// What an auditor has of some pushes.
type Exported(scene: Scene, sealed': SealScene) =
    member _.Folder = scene.Folder
    member _.Sealing = sealed'
    member _.Bundle = scene.Folder.At "out"
    member _.Receipts = scene.Folder.At "receipts.jsonl"
    member _.Seals = sealed'.Seals
    member _.PublicKey = scene.Folder.At "public.pem"

    /// The options that name all of it.
    member this.All = [
        "--receipts"
        this.Receipts
        "--seals"
        this.Seals
        "--key"
        this.PublicKey
        "--bundle"
        this.Bundle
    ]

    /// Exports these files by one sealed push, and no others are in the bundle. Returns what it wrote, and the head that it reports.
    member this.Push(names: string list, more: string list) =
        task {
            if Directory.Exists this.Bundle then
                Directory.Delete(this.Bundle, true)

            let out = sealed'.Bundle names

            let! struct (code, output, error) =
                runToolIn
                    (scene.Manifest("cell-7", names))
                    (sealed'.Arguments(sealed'.Sealing @ [ "--receipts"; this.Receipts ] @ more @ [ out ]))

            Expect.equal code 0 error
            return output, Regex.Match(error, " is ([0-9]+:[0-9a-f]{64})[.]").Groups[1].Value
        }

    interface IAsyncDisposable with
        member _.DisposeAsync() =
            (scene :> IAsyncDisposable).DisposeAsync()

/// Evidence of one push of these files.
let exported (names: string list) =
    task {
        let! scene = scene ()
        let sealed' = SealScene scene

        scene.Folder.Write("public.pem", sealed'.Key.ExportSubjectPublicKeyInfoPem())
        |> ignore

        let exported = new Exported(scene, sealed')
        let! _, head = exported.Push(names, [])
        return exported, head
    }

/// Runs `verify`: the exit code, standard output, standard error.
let verify (arguments: string list) =
    task {
        let! struct (code, output, error) = runTool ("verify" :: arguments)
        return code, output, error
    }

/// The JSON objects of a kind.
let ofKind (kind: string) (output: string) : JsonElement list =
    objects output |> List.filter (fun line -> text "kind" line = kind)

/// The names, statuses and coverage of all artifacts.
let artifacts (output: string) =
    ofKind "artifact" output
    |> List.map (fun line -> text "name" line, text "status" line)
    |> List.sort

/// The last line of standard output.
let verdict (output: string) =
    output.TrimEnd().Split '\n' |> Array.last
