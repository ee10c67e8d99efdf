namespace CellOS.Export.S3.Core

/// What is wrong with the folder of a spool.
[<RequireQualifiedAccess>]
type SpoolFolderFault =
    /// It is a symbolic link.
    | Link
    /// It cannot be opened or made, as the system says.
    | Unusable of Words: string
    /// It belongs to another user than that of this process.
    | OfAnotherUser
    /// Other users may write to it.
    | WritableByOthers
    /// Another process drains it.
    | Drained

/// Decides which artifacts are kept in a spool.
///
/// Rules that this module keeps:
/// - only a failure that a later export of the same artifact may not have is a reason to keep it;
/// - an artifact with a header that may be a credential is not kept: the note would hold the credential, and without the
///   header another object would be stored.
[<RequireQualifiedAccess>]
module SpoolPolicy =

    /// True if an artifact that failed in this way is kept.
    [<CompiledName("Keeps")>]
    let keeps (kind: FailureKind) : bool =
        match kind with
        | FailureKind.Unreachable
        | FailureKind.Unavailable
        | FailureKind.TimedOut
        | FailureKind.DeadlineExceeded
        | FailureKind.UrlExpired -> true
        | FailureKind.SourceNotFound
        | FailureKind.SourceNotAFile
        | FailureKind.SourceAccessDenied
        | FailureKind.SourceUnreadable
        | FailureKind.SourceChanged
        | FailureKind.SourceTooLarge
        | FailureKind.UrlUnusable
        | FailureKind.Refused
        | FailureKind.Redirected
        | FailureKind.AlreadyExists
        | FailureKind.CertificateRejected
        | FailureKind.IntegrityMismatch
        | FailureKind.Unverified
        | FailureKind.NotAStore
        | FailureKind.Unconfirmed
        | FailureKind.LocalFault
        | FailureKind.Internal -> false

    /// By the name of the header, or by the form of its value.
    let private mayBeCredential (header: RequestHeader) =
        let value = RequestHeader.reveal header

        match RequestHeader.key header with
        | RequestHeader.CustomerKey
        | RequestHeader.CustomerKeyMd5
        | "x-amz-mfa" -> true
        | name ->
            NamedSecrets.isSecretName name
            || RequestHeader.isSecret header
               && (PathTokens.hasRandomRun value || CredentialForms.isKnownIn value)

    /// Why an artifact with a header that may be a credential is not kept; `None` if it is.
    [<CompiledName("OnHeaders")>]
    let onHeaders (headers: RequestHeader list) : Refusal option =
        headers
        |> List.tryFind mayBeCredential
        |> Option.map (fun header -> {
            Subject = "artifact"
            Problem =
                $"has the header {Check.quote (RequestHeader.name header)}, whose value may be a credential; a spool never stores credentials"
            Remedy = "Export it again when the target can be reached."
        })

    /// Why a copy of this length is not added to a spool that has the given number of bytes; `None` if it is.
    [<CompiledName("OnSize")>]
    let onSize (settings: SpoolSettings) (used: int64) (length: int64) : Refusal option =
        match settings.MaxBytes with
        // The sum may be larger than an integer.
        | Some most when length > most || used > most - length ->
            Some {
                Subject = "spool"
                Problem =
                    Check.invariant
                        $"has {used} bytes, and with the {length} bytes of this artifact it would exceed its limit of {most}"
                Remedy =
                    "Drain the spool, or raise the limit (CELLOS_EXPORT_S3_SPOOL_MAX_BYTES… or CELLOS_EXPORT_HTTP_SPOOL_MAX_BYTES…; in code: MaxBytes)."
            }
        | _ -> None

    /// Why a folder is not used as a spool.
    [<CompiledName("OnFolder")>]
    let onFolder (path: string) (fault: SpoolFolderFault) : Refusal =
        let problem, remedy =
            match fault with
            | SpoolFolderFault.Link ->
                "is a symbolic link, which may lead elsewhere later", "Give the folder that it leads to."
            | SpoolFolderFault.Unusable words ->
                $"cannot be used: {(Shown.line words).TrimEnd '.'}",
                "Give a folder that the user of this process may make and write to."
            | SpoolFolderFault.OfAnotherUser ->
                "belongs to another user, who could change what is in it",
                "Give a folder of the user of this process."
            | SpoolFolderFault.WritableByOthers ->
                "can be written by other users", "Take that right from them (chmod 700)."
            | SpoolFolderFault.Drained -> "is being drained by another process", "Wait for it to end."

        {
            Subject = $"spool '{FilePath.show path}'"
            Problem = problem
            Remedy = remedy
        }

    /// Why a spool cannot be written or read, in the words of the system.
    [<CompiledName("OnFault")>]
    let onFault (fault: FolderFault) : Refusal =
        let refused problem remedy = {
            Subject = "spool"
            Problem = problem
            Remedy = remedy
        }

        let detail = fault.Detail.TrimEnd '.'

        match fault.Kind with
        | FolderFaultKind.Source _ -> {
            Subject = "source"
            Problem = $"cannot be copied: {detail}"
            Remedy = "Export the artifact again."
          }
        | FolderFaultKind.Full ->
            refused $"is full: {detail}" "Free space or drain the spool; then try again."
        | FolderFaultKind.Quota ->
            refused $"has used up the quota: {detail}" "Free space or raise the quota; then try again."
        | FolderFaultKind.Denied ->
            refused
                $"cannot be used: {detail}"
                "Give the user of this process the right to read it and to write to it; then try again."
        | FolderFaultKind.ReadOnly ->
            refused
                $"is on a read-only file system: {detail}"
                "Mount it writable, or give another folder; then try again."
        | FolderFaultKind.Link
        | FolderFaultKind.InTheWay ->
            refused
                $"contains something that this library did not make: {detail}"
                "Remove it, or give another folder; then try again."
        | FolderFaultKind.SourceTooLarge
        | FolderFaultKind.OtherContent
        | FolderFaultKind.NameTooLong
        | FolderFaultKind.Process
        | FolderFaultKind.Damaged
        | FolderFaultKind.Failed ->
            refused
                $"cannot be used: {detail}"
                "Check the file system and what this process lacks; then try again."

    /// The end of the message of a failure whose artifact is kept.
    [<Literal>]
    let Kept = "The artifact is kept in the spool: drain the spool to export it."

    /// The end of the message of a drain's failure that a later drain would have again.
    [<Literal>]
    let Stays = "The artifact stays in the spool."

    /// The end of the message of a failure whose artifact should have been kept, and is not.
    [<CompiledName("NotKept")>]
    let notKept (refusal: Refusal) : string =
        $"It is not spooled: the {refusal.Subject} {refusal.Problem}. {refusal.Remedy}"
