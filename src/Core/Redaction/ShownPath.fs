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

    let private mayHold (path: string) =
        path.AsSpan().IndexOfAny(";@%") >= 0
        || path.Split '/' |> Array.exists (fun segment -> segment.Length >= ShortestForm)

    /// The values of parameters, and passwords, in a segment.
    let valuesIn (segment: string) : string list =
        if segment.AsSpan().IndexOfAny(";@") < 0 then
            []
        else
            [ for found in values.Value.Matches segment -> found.Value ]

    let private maskSegment (names: string[]) (segment: string) =
        let plain = Unescape.plain (Unescape.see segment)

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
        if mayHold path then
            let names = kept.Split('/', StringSplitOptions.RemoveEmptyEntries)
            String.Join('/', path.Split '/' |> Array.map (maskSegment names))
        else
            path
