namespace CellOS.Export.S3.Core

open System

/// Recognizes placeholders of a URL template whose braces a program percent-encoded.
///
/// Rules that this module keeps:
/// - letter case, hyphens and the number of times that the text was encoded do not matter;
/// - a key may contain the same text: the caller compares it with the names that a key consists of.
[<RequireQualifiedAccess>]
module internal EncodedPlaceholder =

    [<Literal>]
    let CellId = "{cell_id}"

    [<Literal>]
    let ArtifactName = "{artifact_name}"

    /// The most times that a text is decoded.
    [<Literal>]
    let private Deepest = 4

    let private placeholders = [ CellId; ArtifactName ]

    let private plain (text: string) = text.Replace("_", "").Replace("-", "")

    /// True if a name contains the placeholder's text.
    let isIn (placeholder: string) (name: string) =
        (plain name).Contains(plain placeholder, StringComparison.OrdinalIgnoreCase)

    /// True if a part of a URL has percent-encoded braces and a word of a placeholder.
    let mayBeIn (text: ReadOnlySpan<char>) =
        text.Contains("7B".AsSpan(), StringComparison.OrdinalIgnoreCase)
        && (text.Contains("cell".AsSpan(), StringComparison.OrdinalIgnoreCase)
            || text.Contains("artifact".AsSpan(), StringComparison.OrdinalIgnoreCase))

    /// The placeholder that a part of a URL contains percent-encoded, as a template writes it.
    let find (text: string) : string option =
        let rec decode depth (text: string) =
            match Uri.UnescapeDataString text with
            | decoded when decoded = text || depth = 0 -> None
            | decoded ->
                match placeholders |> List.tryFind (fun placeholder -> isIn placeholder decoded) with
                | Some placeholder -> Some placeholder
                | None -> decode (depth - 1) decoded

        if mayBeIn (text.AsSpan()) then
            // What stands in braces already is a placeholder of the template.
            decode Deepest (text.Replace(CellId, "").Replace(ArtifactName, ""))
        else
            None

    /// What is wrong with a URL that contains the placeholder, as a part of a sentence.
    let problem (placeholder: string) =
        $"contains the placeholder {placeholder} with percent-encoded braces (%%7B, %%7D), so it would be sent as it is written"

    /// What to do where a template is allowed.
    let remedy (placeholder: string) =
        $"Write {placeholder} with its braces: a program percent-encoded them."

    /// What to do where a URL is for one artifact.
    let remedyOfUrl =
        "Ask the presigner for a URL for the key with the cell id and the name of the artifact."
