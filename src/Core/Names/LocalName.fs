namespace CellOS.Export.S3.Core

open System
open System.Security.Cryptography
open System.Text

/// The name of an artifact's file in the folder of its cell: one segment that no shell and no program reads as a way to
/// another folder.
type LocalName =
    private
    | LocalName of string

    override this.ToString() =
        let (LocalName value) = this
        value

/// Makes names of files.
///
/// Rules that this module keeps (those of the family's local sink):
/// - a name that is empty, absolute, contains `/`, `\`, NUL or `..`, or begins with `~` is rejected;
/// - so is a name that a temporary file of this sink could have;
/// - the name of the file is the name of the artifact, letter by letter.
[<RequireQualifiedAccess>]
module LocalName =

    /// The beginning of the name of a temporary file.
    [<Literal>]
    let TemporaryPrefix = ".cellos-export-"

    /// The end of the name of a temporary file.
    [<Literal>]
    let TemporarySuffix = ".part"

    /// The name of the file for an artifact; or why it has none.
    [<CompiledName("Create")>]
    let create (artifact: ArtifactName) : Result<LocalName, Refusal> =
        let name = ArtifactName.value artifact
        let refuse = Check.refuse "artifact name"
        let shown = ArtifactName.quote artifact

        if name.Contains '/' then
            refuse
                $"{shown} contains a '/', and the local sink writes each artifact as one file of its cell's folder"
                "Give it a name without '/', such as 'logs-stdout.txt', or export it to an s3 or http target."
        elif name.Contains("..", StringComparison.Ordinal) then
            refuse $"{shown} contains '..', which the local sink rejects" "Give it a name without '..'."
        elif name.StartsWith '~' then
            refuse
                $"{shown} begins with '~', which the local sink rejects: shells read it as a home folder"
                "Give it a name that begins with another character."
        elif name.StartsWith(TemporaryPrefix, StringComparison.OrdinalIgnoreCase) then
            refuse
                $"{shown} begins as the temporary files of the local sink do ('{TemporaryPrefix}')"
                "Give it another name."
        else
            Ok(LocalName name)

    /// The name as text.
    [<CompiledName("Value")>]
    let value (LocalName value) = value

    /// The name of the file that the content is written to before it gets its own name. The same artifact has always the
    /// same, so that the next push replaces what a crash left behind.
    [<CompiledName("Temporary")>]
    let temporary (LocalName value) : string =
        let digest = SHA256.HashData(Encoding.UTF8.GetBytes value)

        TemporaryPrefix
        + Convert.ToHexStringLower(digest.AsSpan(0, 16))
        + TemporarySuffix
