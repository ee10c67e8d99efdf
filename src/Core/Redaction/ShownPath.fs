namespace CellOS.Export.S3.Core

open System
open System.Text.RegularExpressions

/// Shows the path of a URL without the tokens that a gateway may take there: random segments, JSON Web Tokens, the values of
/// parameters (`;token=…`) and passwords (`/user:password@host/`).
[<RequireQualifiedAccess>]
module internal ShownPath =

    /// The fewest characters of a segment that may be a credential by its form.
    [<Literal>]
    let private ShortestForm = 16

    let private values =
        lazy
            (Regex(@"(?<=;[^;=/]{0,64}=)[^;/]{6,}|(?<=[^:/]:)[^:@/]{6,}(?=@)", RegexOptions.CultureInvariant))

    let private mayHold (segment: string) =
        segment.Length >= ShortestForm || segment.AsSpan().IndexOfAny(";@%") >= 0

    /// The values of parameters, and passwords, in a segment.
    let valuesIn (segment: string) : string list =
        if segment.AsSpan().IndexOfAny(";@") < 0 then
            []
        else
            [ for found in values.Value.Matches segment -> found.Value ]

    let private maskSegment (names: string[]) (segment: string) =
        let plain = Unescape.text segment

        let isName =
            names
            |> Array.exists (fun name -> plain = name || plain.EndsWith(":" + name, StringComparison.Ordinal))

        if isName then
            segment
        elif plain.Split '/' |> Array.exists (fun part -> PathTokens.isToken (part.AsSpan())) then
            Secrets.Mask
        else
            values.Value.Replace(CredentialForms.mask segment, Secrets.Mask)

    /// The path without tokens. Segments that are a part of the kept address stay.
    let mask (kept: string) (path: string) : string =
        let segments = path.Split '/'

        if Array.exists mayHold segments then
            let names = kept.Split('/', StringSplitOptions.RemoveEmptyEntries)

            let shown segment =
                if mayHold segment then maskSegment names segment else segment

            String.Join('/', segments |> Array.map shown)
        else
            path
