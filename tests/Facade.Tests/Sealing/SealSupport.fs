/// Keys, runs and files of seals for tests.
module Facade.Tests.SealSupport

open System
open System.IO
open System.Security.Cryptography
open System.Text
open CellOS.Export
open CellOS.Export.S3
open CellOS.Export.S3.Core
open Expecto
open Facade.Tests.Support

let noon = DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero)

let sha256 (bytes: byte[]) =
    Convert.ToHexStringLower(SHA256.HashData bytes)

/// A new key in a file, and the key.
let newKey (folder: Folder) (name: string) : ECDsa * string =
    let key = ECDsa.Create ECCurve.NamedCurves.nistP256

    let path =
        folder.Write(name, Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem()))

    if not (OperatingSystem.IsWindows()) then
        File.SetUnixFileMode(path, UnixFileMode.UserRead ||| UnixFileMode.UserWrite)

    key, path

let exported name =
    ExportResult(
        ExportArtifact(name, name),
        ExportReceipt(
            TargetKind = ExportTargetKind.S3,
            TargetName = "t",
            Destination = $"s3://b/p/c/{name}",
            BytesWritten = 3L,
            CellId = "c",
            ArtifactName = name,
            Sha256 = sha256 (Encoding.UTF8.GetBytes name),
            Integrity = "etag-md5",
            Attempts = 1,
            StartedAt = noon,
            CompletedAt = noon
        )
    )

let failed name =
    ExportResult(
        ExportArtifact(name, name),
        ExportException(
            ExportFailureKind.TimedOut,
            "It took too long. Try again.",
            CellId = "c",
            Attempts = 3
        )
    )

/// Runs, of which some values are usually the same.
type Runs =
    static member Of
        (
            results: ExportResult list,
            ?runId: string,
            ?cellId: string,
            ?target: string,
            ?planned: int64,
            ?skipped: int64,
            ?isInterrupted: bool,
            ?toolVersion: string
        ) : ExportSealRun =
        ExportSealRun(
            RunId = defaultArg runId "run-1",
            CellId = defaultArg cellId "c",
            TargetName = defaultArg target "t",
            StartedAt = noon,
            FinishedAt = noon.AddSeconds 1.,
            Planned = Option.toNullable planned,
            Skipped = defaultArg skipped 0L,
            IsInterrupted = defaultArg isInterrupted false,
            ToolVersion = Option.toObj toolVersion,
            Results = results
        )

/// A completed run with these results.
let run (results: ExportResult list) : ExportSealRun = Runs.Of results

let append (seal: ExportSeal) (run: ExportSealRun) =
    seal.AppendAsync(run).GetAwaiter().GetResult()

/// The lines of a file and how far it was read, checked with the public part of these keys.
let check (keys: ECDsa list) (path: string) : CheckedSeal list * SealScan =
    SealChecks.check (SealChecks.keysOf keys) (File.ReadAllBytes path)

/// The statements of a file whose lines are all valid.
let statements (keys: ECDsa list) (path: string) : SealStatement list =
    check keys path
    |> fst
    |> List.map (fun line ->
        Expect.equal line.Status SealStatus.Valid $"line {line.Number}"
        Option.get line.Statement)

/// The message of what an action is refused with: at most 45 words.
let refusal (action: unit -> unit) : string =
    try
        action ()
        failtest "it was not refused"
    with :? ExportSealException as refused ->
        Expect.isLessThanOrEqual (refused.Message.Split(' ').Length) 45 refused.Message
        refused.Message
