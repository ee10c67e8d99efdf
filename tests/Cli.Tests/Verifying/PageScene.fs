/// Evidence, receipts and seals that are made without a push, and the page about them.
module Cli.Tests.PageScene

open System
open System.IO
open System.Security.Cryptography
open System.Text
open CellOS.Export.S3.Core
open Expecto
open Cli.Tests.Support
open Cli.Tests.VerifyScene

let noon = DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero)

let private sha256 (bytes: byte[]) =
    Convert.ToHexStringLower(SHA256.HashData bytes)

let private content (name: string) =
    Encoding.UTF8.GetBytes $"evidence {name}\n"

/// The receipt of an artifact of a run.
let receiptOf (at: DateTimeOffset) (name: string) : Receipt = {
    receipt name with
        TargetName = Some "artifact-bucket"
        Destination = $"s3://evidence/audit/cell-7/{name}"
        CellId = "cell-7"
        BytesWritten = int64 (content name).Length
        Sha256 = sha256 (content name)
        StartedAt = at
        CompletedAt = at.AddSeconds 1.
}

/// A run: when it began, and the names of what it stored.
type Run = DateTimeOffset * string list

/// Runs that were exported and sealed, as an auditor has them.
type PageScene(runs: Run list) =
    let folder = new Folder()
    let key = ECDsa.Create ECCurve.NamedCurves.nistP256

    let receipts = [
        for at, names in runs do
            List.map (receiptOf at) names
    ]

    let sign (payload: byte[]) : SealEnvelope = {
        Payload = payload
        KeyId = SealChecks.idOf key
        Signature =
            key.SignData(
                Seal.preAuthenticationEncoding Seal.PayloadType (ReadOnlyMemory payload),
                HashAlgorithmName.SHA256,
                DSASignatureFormat.IeeeP1363FixedFieldConcatenation
            )
            |> ReadOnlyMemory
            |> SealSignature.ofFixed
            |> Option.get
    }

    let seal (lines: byte[] list, sequence: int64) ((at, _): Run, receipts: Receipt list) =
        let line =
            SealStatement.toPayload {
                RunId = $"run-{sequence}"
                CellId = "cell-7"
                TargetName = "artifact-bucket"
                Sequence = sequence
                Previous = lines |> List.tryHead |> Option.map sha256
                StartedAt = at
                FinishedAt = at.AddMinutes 4.
                Outcome = if sequence % 3L = 0L then SealOutcome.Interrupted else SealOutcome.Completed
                Planned = int64 receipts.Length
                Skipped = 0L
                Receipts = receipts
                Failures = []
                ToolVersion = "cellos-export-s3/0.1.0"
            }

        let line =
            match line with
            | Ok payload -> Seal.line (sign payload)
            | Error refusal -> failtest $"{refusal}"

        line :: lines, sequence + 1L

    let lines = List.zip runs receipts |> List.fold seal ([], 1L) |> fst |> List.rev

    do
        Directory.CreateDirectory(folder.At "out") |> ignore
        folder.Write("public.pem", key.ExportSubjectPublicKeyInfoPem()) |> ignore

        for name in runs |> List.collect snd do
            folder.Write($"out/{name}", Encoding.UTF8.GetString(content name)) |> ignore

        File.WriteAllLines(folder.At "receipts.jsonl", receipts |> List.concat |> List.map Receipt.toJson)

        File.WriteAllBytes(
            folder.At "seals.jsonl",
            lines |> List.collect (fun line -> [ line; "\n"B ]) |> Array.concat
        )

    member _.Folder = folder
    member _.At(name: string) = folder.At name

    /// The head of the seals.
    member _.Head = $"{lines.Length}:{sha256 (List.last lines)}"

    /// The options that name all of it.
    member _.All = [
        "--receipts"
        folder.At "receipts.jsonl"
        "--seals"
        folder.At "seals.jsonl"
        "--key"
        folder.At "public.pem"
        "--bundle"
        folder.At "out"
    ]

    /// Verifies with these options, and returns the exit code, standard output and the page.
    member _.Page(arguments: string list) =
        task {
            let path = folder.At "page.html"
            let! code, output, error = verify (arguments @ [ "--html"; path ])
            Expect.isTrue (File.Exists path) $"{output}{error}"
            return code, output, File.ReadAllText path
        }

    interface IDisposable with
        member _.Dispose() =
            key.Dispose()
            (folder :> IDisposable).Dispose()

/// Three runs on three days.
let threeRuns: Run list = [
    noon, [ "report.json"; "logs/stdout.txt"; "logs/stderr.txt"; "attestation.json" ]
    noon.AddHours 20., [ "metrics/cpu.csv"; "metrics/memory.csv"; "trace.bin" ]
    noon.AddDays 2., [ "summary.md"; "screens/first.png"; "screens/second.png" ]
]

/// Changes a file, removes one, adds one, and damages the signature of the first seal.
let tamper (scene: PageScene) =
    File.AppendAllText(scene.At "out/report.json", "x")
    File.Delete(scene.At "out/trace.bin")
    scene.Folder.Write("out/notes/added later.txt", "new") |> ignore
    let seals = File.ReadAllText(scene.At "seals.jsonl")
    let at = seals.IndexOf "\"sig\":\"M" + 30
    let other = if seals[at] = 'A' then "B" else "A"
    File.WriteAllText(scene.At "seals.jsonl", seals.Remove(at, 1).Insert(at, other))
