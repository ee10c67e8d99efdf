namespace CellOS.Export.S3.Core

open System
open FsToolkit.ErrorHandling

/// All that a local sink knows before it sees an artifact: one folder for the files of one cell.
type LocalTarget = {
    /// Its name in the cell spec; `None` for the default sink.
    Name: TargetName option
    /// The cell whose evidence it takes.
    CellId: CellId
    /// The absolute path of the folder that has a folder for each cell.
    Root: string
    /// True if a file with other content may be replaced.
    Overwrite: bool
    /// True if each file is read back and compared before there is a receipt.
    ReadBack: bool
    /// True if receipts have an MD5.
    Md5: bool
    /// The largest artifact, in bytes; `None` for no limit.
    MaxBytes: int64 option
}

/// A local target as a caller writes it down, before anything is checked. Null and blank mean left out.
type LocalTargetDraft = {
    /// At most 128 characters.
    Name: string | null
    /// One path segment, at most 255 UTF-8 bytes.
    CellId: string | null
    /// The absolute path of a folder.
    Root: string | null
    /// True if a file with other content may be replaced.
    Overwrite: bool
    /// True if each file is read back.
    ReadBack: bool
    /// True if receipts have an MD5.
    Md5: bool
    /// 0 or more; `None` for no limit.
    MaxBytes: int64 option
}

/// One artifact on its way to its file.
type LocalPlan = {
    /// Where it goes.
    Target: LocalTarget
    /// What goes there.
    Artifact: ArtifactName
    /// The name of its file.
    File: LocalName
    /// The absolute path of its file, which the receipt names.
    Destination: string
}

/// Makes local targets.
[<RequireQualifiedAccess>]
module LocalTarget =

    /// Returns what is wrong with the path of a root, if anything is. Nothing of the file system is asked.
    [<CompiledName("CheckRoot")>]
    let checkRoot (root: string | null) : Result<string, Refusal> =
        let refuse problem =
            Check.refuse
                "export folder"
                problem
                "Give the path of a folder, such as '/var/lib/cellos/export'."

        match root with
        | NonNull root when not (String.IsNullOrWhiteSpace root) ->
            match FilePath.certainProblem root, Check.unprintable root with
            | Some _, _ -> refuse $"{FilePath.show root} is a URL or the content of a file"
            | None, Some problem -> refuse problem
            | None, None -> Ok root
        | _ -> refuse "is not given"

    /// The target, or all that is wrong with it at once.
    [<CompiledName("Check")>]
    let check (draft: LocalTargetDraft) : Validation<LocalTarget, Refusal> =
        validation {
            let! name =
                match draft.Name with
                | NonNull name when not (String.IsNullOrWhiteSpace name) ->
                    TargetName.create name |> Result.map Some
                | _ -> Ok None

            and! cellId = CellId.create (draft.CellId |> Option.ofObj |> Option.defaultValue "")
            and! root = checkRoot draft.Root

            and! maxBytes =
                match draft.MaxBytes with
                | Some bytes when bytes < 0L ->
                    Check.refuse
                        "largest artifact size"
                        (Check.invariant $"is negative ({bytes})")
                        "Give a number of bytes, 0 or more, or leave it out."
                | bytes -> Ok bytes

            return {
                LocalTarget.Name = name
                CellId = cellId
                Root = root
                Overwrite = draft.Overwrite
                ReadBack = draft.ReadBack
                Md5 = draft.Md5
                MaxBytes = maxBytes
            }
        }

/// Makes plans.
[<RequireQualifiedAccess>]
module LocalPlan =

    /// The absolute path of the folder of a cell.
    [<CompiledName("Folder")>]
    let folder (target: LocalTarget) : string =
        target.Root.TrimEnd '/' + "/" + CellId.value target.CellId

    /// The plan for an artifact; rejected if its name is not that of a file.
    [<CompiledName("Create")>]
    let create (target: LocalTarget) (artifact: ArtifactName) : Result<LocalPlan, Refusal> =
        LocalName.create artifact
        |> Result.map (fun file -> {
            Target = target
            Artifact = artifact
            File = file
            Destination = folder target + "/" + LocalName.value file
        })

/// What was written, or was there already.
type LocalCopy = {
    /// The bytes and their digests, of the pass that copied or compared them.
    Sent: Sent
    /// True if the file was read back and has the same SHA-256.
    IsReadBack: bool
    /// When the source had been opened.
    StartedAt: DateTimeOffset
    /// When the file and its name were on disk.
    CompletedAt: DateTimeOffset
}

/// Makes receipts of local exports.
[<RequireQualifiedAccess>]
module LocalReceipt =

    /// The receipt. `checksum-sha256` says that the file was read back, before it got its name, and has the SHA-256 of what was
    /// written; `unverified` that it was not read back.
    [<CompiledName("Create")>]
    let create (plan: LocalPlan) (copy: LocalCopy) : Receipt = {
        TargetKind = TargetKind.Local.Name
        TargetName = plan.Target.Name |> Option.map TargetName.value
        Destination = plan.Destination
        BytesWritten = copy.Sent.Bytes
        CellId = CellId.value plan.Target.CellId
        ArtifactName = ArtifactName.value plan.Artifact
        Region = None
        ObjectUrl = None
        Sha256 = copy.Sent.Sha256.Hex
        Md5 = copy.Sent.Md5
        Checksums = Map.empty
        ETag = None
        VersionId = None
        RequestId = None
        HostId = None
        DestinationChecked = true
        Integrity =
            if copy.IsReadBack then
                Confirmation.ChecksumSha256.Name
            else
                Confirmation.Unverified.Name
        Attempts = 1
        StartedAt = copy.StartedAt
        CompletedAt = copy.CompletedAt
    }

/// Artifacts that are to go through one local target together.
[<RequireQualifiedAccess>]
module LocalBatch =

    /// All that keeps the artifacts from being pushed through the target together; nothing if they may be.
    [<CompiledName("Problems")>]
    let problems (target: LocalTarget) (batch: BatchDraft) : Refusal list =
        BatchDraft.walk (fun name -> LocalPlan.create target name |> Result.map ignore) batch
        |> snd
