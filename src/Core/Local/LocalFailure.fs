namespace CellOS.Export.S3.Core

open System

/// What kept an artifact from becoming a file, as the file system reports it.
[<RequireQualifiedAccess>]
type FolderFaultKind =
    /// A fault of the source, in the words of `Fault`.
    | Source of FaultKind
    /// The source is larger than the target allows.
    | SourceTooLarge
    /// The file has other content, and may not be replaced.
    | OtherContent
    /// The folder of the cell, or the file, is a symbolic link.
    | Link
    /// Something that is not a regular file has the name, or something that is not a folder has the folder's.
    | InTheWay
    /// This user may not write there.
    | Denied
    /// The file system is read-only.
    | ReadOnly
    /// The disk is full.
    | Full
    /// The quota of this user or project is used up.
    | Quota
    /// The name is longer than the file system allows.
    | NameTooLong
    /// This process or its host lacks memory or file descriptors.
    | Process
    /// The file was read back, and has other content than was written.
    | Damaged
    /// Another failure of the file system.
    | Failed

/// A fault of a local export.
type FolderFault = {
    /// The kind of fault.
    Kind: FolderFaultKind
    /// What the system says, or the path that it is about; without secrets.
    Detail: string
    /// True if the file has its name already: only what follows failed.
    MayBeStored: bool
}

/// Decides what may become a file, and what it may replace.
[<RequireQualifiedAccess>]
module LocalPolicy =

    let private fault (kind: FolderFaultKind) : FolderFault = {
        Kind = kind
        Detail = ""
        MayBeStored = false
    }

    /// Returns why a source of this length, in bytes, is not exported; `None` if it is.
    [<CompiledName("OnLength")>]
    let onLength (plan: LocalPlan) (length: int64) : FolderFault option =
        match plan.Target.MaxBytes with
        | Some most when length > most -> Some(fault FolderFaultKind.SourceTooLarge)
        | _ -> None

    /// Returns why a file with other content stays; `None` if it is replaced. A file with equal content is the export.
    [<CompiledName("OnOtherContent")>]
    let onOtherContent (plan: LocalPlan) : FolderFault option =
        if plan.Target.Overwrite then None else Some(fault FolderFaultKind.OtherContent)

    /// Returns why a file does not get its name: it was read back, and has another SHA-256 than was written; `None` if it does.
    [<CompiledName("OnReadBack")>]
    let onReadBack (written: Digest) (read: Digest) : FolderFault option =
        if read = written then None else Some(fault FolderFaultKind.Damaged)

/// Makes failures of local exports. Every message says what happened, where and what to do.
[<RequireQualifiedAccess>]
module LocalFailure =

    // errno(3)
    let private ofErrno (error: int) =
        match error with
        | 1
        | 13 -> FolderFaultKind.Denied
        | 12
        | 23
        | 24 -> FolderFaultKind.Process
        | 17
        | 20
        | 21 -> FolderFaultKind.InTheWay
        | 28 -> FolderFaultKind.Full
        | 30 -> FolderFaultKind.ReadOnly
        | 36 -> FolderFaultKind.NameTooLong
        | 40 -> FolderFaultKind.Link
        | 122 -> FolderFaultKind.Quota
        | _ -> FolderFaultKind.Failed

    /// The fault of an error number of Linux (errno(3)), with the system's words for it.
    [<CompiledName("FaultOfErrno")>]
    let faultOfErrno (error: int) (words: string) : FolderFault = {
        Kind = ofErrno error
        Detail = Shown.line words
        MayBeStored = false
    }

    let private kindOf (fault: FolderFault) =
        match fault.Kind with
        | FolderFaultKind.Source FaultKind.LocalFault -> FailureKind.LocalFault
        | FolderFaultKind.Source source ->
            match
                Verdict.ofOutcome
                    Circumstances.defaults
                    (Outcome.NotSent(Fault.Create(source, fault.Detail, 0L)))
            with
            | Verdict.Stop kind -> kind
            | _ -> FailureKind.SourceUnreadable
        | FolderFaultKind.SourceTooLarge -> FailureKind.SourceTooLarge
        | FolderFaultKind.OtherContent -> FailureKind.AlreadyExists
        | FolderFaultKind.Link
        | FolderFaultKind.InTheWay
        | FolderFaultKind.Denied
        | FolderFaultKind.ReadOnly
        | FolderFaultKind.NameTooLong -> FailureKind.Refused
        | FolderFaultKind.Damaged -> FailureKind.IntegrityMismatch
        | FolderFaultKind.Full
        | FolderFaultKind.Quota
        | FolderFaultKind.Process
        | FolderFaultKind.Failed -> FailureKind.LocalFault

    let private cause (plan: LocalPlan) (length: int64) (fault: FolderFault) =
        match fault.Kind with
        | FolderFaultKind.Source _ -> fault.Detail
        | FolderFaultKind.SourceTooLarge ->
            let most = plan.Target.MaxBytes |> Option.defaultValue Int64.MaxValue
            Check.invariant $"the file has {length} bytes, and the target takes {most}"
        | FolderFaultKind.OtherContent -> "a file of this name is there and has other content"
        | FolderFaultKind.Link -> $"a symbolic link is in the way ({fault.Detail})"
        | FolderFaultKind.InTheWay -> $"something else has the place ({fault.Detail})"
        | FolderFaultKind.Denied -> $"this user may not write there ({fault.Detail})"
        | FolderFaultKind.ReadOnly -> $"the file system is read-only ({fault.Detail})"
        | FolderFaultKind.Full -> $"the disk is full ({fault.Detail})"
        | FolderFaultKind.Quota -> $"the quota is used up ({fault.Detail})"
        | FolderFaultKind.NameTooLong -> $"the path is too long for the file system ({fault.Detail})"
        | FolderFaultKind.Process -> fault.Detail
        | FolderFaultKind.Damaged -> "the file that was read back is not what was written"
        | FolderFaultKind.Failed -> $"the file system failed ({fault.Detail})"

    let private overwrite (plan: LocalPlan) =
        match plan.Target.Name with
        | Some name -> $"{Variable.forTarget name Variable.LocalOverwrite}=1 (in code: Overwrite)"
        | None -> $"{Variable.SharedLocalOverwrite}=1 (in code: Overwrite)"

    let private advice (plan: LocalPlan) (fault: FolderFault) =
        match fault.Kind with
        | FolderFaultKind.Source FaultKind.SourceNotFound ->
            "Check the path; the artifact must be there when it is exported."
        | FolderFaultKind.Source FaultKind.SourceNotAFile ->
            "Give a regular file: folders, links, pipes and devices are not exported."
        | FolderFaultKind.Source FaultKind.SourceAccessDenied ->
            "Give the user of this process the right to read the file."
        | FolderFaultKind.Source FaultKind.SourceChanged ->
            "Export again when no program writes to the file, replaces it or rotates it."
        | FolderFaultKind.Source FaultKind.LocalFault
        | FolderFaultKind.Process ->
            "Free or raise what this machine lacks (open files: ulimit -n; memory), and export again."
        | FolderFaultKind.Source _ -> "Check the disk and the file system."
        | FolderFaultKind.SourceTooLarge -> "Split the artifact, or raise MaxArtifactBytes."
        | FolderFaultKind.OtherContent ->
            $"Export under another name, or set {overwrite plan} to replace the file."
        | FolderFaultKind.Link -> "Remove the link: the sink follows none below the export folder."
        | FolderFaultKind.InTheWay -> "Remove it, or export under another name."
        | FolderFaultKind.Denied ->
            "Give the user of this process the right to write to the export folder and the cell's folder."
        | FolderFaultKind.ReadOnly -> "Mount it writable, or give another export folder."
        | FolderFaultKind.Full -> "Free space, or give an export folder on another disk; then export again."
        | FolderFaultKind.Quota -> "Free space or raise the quota; then export again."
        | FolderFaultKind.NameTooLong -> "Shorten the artifact's name, or the path of the export folder."
        | FolderFaultKind.Damaged ->
            "The file did not get its name. Check the disk, the file system and other programs that write there; then export again."
        | FolderFaultKind.Failed -> "Check the disk and the file system, and export again."

    /// The failure of an export whose source has this number of bytes.
    [<CompiledName("Create")>]
    let create (plan: LocalPlan) (length: int64) (elapsed: TimeSpan) (fault: FolderFault) : ExportFailure =
        let kind = kindOf fault

        let stored =
            if fault.MayBeStored then
                " The file may be complete; a new export compares or replaces it."
            else
                ""

        let reason = $"{(cause plan length fault).TrimEnd '.'}. {advice plan fault}{stored}"
        let destination = Check.visible plan.Destination

        {
            Kind = kind
            Message = $"Export of {ArtifactName.quote plan.Artifact} to {destination} failed: {reason}"
            Reason = reason
            TargetKind = TargetKind.Local
            TargetName = plan.Target.Name |> Option.map TargetName.value
            Destination = plan.Destination
            CellId = CellId.value plan.Target.CellId
            ArtifactName = ArtifactName.value plan.Artifact
            Attempts = 1
            Elapsed = elapsed
            Status = None
            Code = None
            RequestId = None
            HostId = None
            MayBeStored = fault.MayBeStored
        }
