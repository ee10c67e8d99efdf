namespace CellOS.Export.S3.Core

open System
open System.Text

/// Where a secret stands in a text.
[<Struct>]
type internal SecretPlace = {
    First: int
    Stop: int
    /// Whether the secret is what stands there with its percent-escapes taken off.
    IsEscaped: bool
    /// Whether the secret is what stands there, and has no other form.
    IsPlain: bool
    /// No form of the secret has fewer characters than this.
    Least: int
}

/// The secrets of a URL's query, which are the values of all parameters that are not known to be harmless: a gateway
/// may carry its token under any name.
[<RequireQualifiedAccess>]
module internal QuerySecrets =

    /// Parameters that are no secret, and that help whoever reads a redacted URL.
    let private harmless = [|
        "x-amz-algorithm"
        "x-amz-date"
        "x-amz-expires"
        "x-amz-signedheaders"
        "x-amz-content-sha256"
        "expires"
        "x-id"
        "versionid"
        "partnumber"
    |]

    /// Without an escape, and of ASCII, where letters have one lower case and one upper case.
    let private isAsWritten (text: ReadOnlySpan<char>) =
        Ascii.IsValid text && text.IndexOfAny('%', '\\') < 0

    let private plain (text: ReadOnlySpan<char>) =
        Unescape.plain (Unescape.see (text.ToString()))

    let private isHarmlessName (name: ReadOnlySpan<char>) =
        if isAsWritten name then
            let mutable i = 0

            while i < harmless.Length && not (QueryParameter.isNamed harmless[i] name) do
                i <- i + 1

            i < harmless.Length
        else
            Array.contains ((plain name).ToLowerInvariant()) harmless

    /// Whether a value could hold a parameter or a URL of its own.
    let private isNested (value: ReadOnlySpan<char>) =
        if isAsWritten value then
            value.IndexOfAny("=?/@&") >= 0
        else
            (plain value).AsSpan().IndexOfAny("=?/@&") >= 0

    /// Whether the parameter may be shown.
    let isHarmless (text: string) (parameter: QueryParameter) : bool =
        isHarmlessName (QueryParameter.name text parameter)
        && not (isNested (QueryParameter.value text parameter))

    let private isCredential (name: ReadOnlySpan<char>) =
        if isAsWritten name then
            name.Contains("credential", StringComparison.OrdinalIgnoreCase)
        else
            (plain name).Contains("credential", StringComparison.OrdinalIgnoreCase)

    /// How many characters stand before the first slash, escaped or not; none if there is no slash.
    let private beforeSlash (value: ReadOnlySpan<char>) =
        let written = value.IndexOf '/'
        let escaped = value.IndexOf("%2F", StringComparison.OrdinalIgnoreCase)

        if written < 0 then max escaped 0
        elif escaped < 0 then written
        else min written escaped

    /// Every secret of the query that begins at `first` and ends with the text: values as they stand there, and the
    /// access key id at the head of a SigV4 credential.
    let places (text: string) (first: int) : SecretPlace[] =
        let found = ResizeArray<SecretPlace>()
        let mutable next = first

        while next < text.Length do
            let parameter = QueryParameter.at text next
            next <- parameter.Stop + 1

            if parameter.Sign < parameter.Stop && not (isHarmless text parameter) then
                let value = QueryParameter.value text parameter

                found.Add {
                    First = parameter.Sign + 1
                    Stop = parameter.Stop
                    IsEscaped = false
                    IsPlain = SecretForms.isPlain value
                    Least = SecretForms.leastLength value
                }

                if isCredential (QueryParameter.name text parameter) then
                    match beforeSlash value with
                    | 0 -> ()
                    | length ->
                        found.Add {
                            First = parameter.Sign + 1
                            Stop = parameter.Sign + 1 + length
                            IsEscaped = true
                            IsPlain = SecretForms.isPlain (value.Slice(0, length))
                            // It may be escaped twice.
                            Least = if value.Slice(0, length).Contains '%' then 0 else length
                        }

        found.ToArray()

    /// The secrets at the given places, `shift` characters further on.
    let at (shift: int) (text: string) (places: SecretPlace[]) : string list = [
        for place in places do
            let written = text.Substring(place.First + shift, place.Stop - place.First)

            if place.IsEscaped then Uri.UnescapeDataString written else written
    ]

    /// `other.Contains(secret, StringComparison.OrdinalIgnoreCase)` for a secret of ASCII, in a third of the time where
    /// both are short.
    let private standsIn (other: ReadOnlySpan<char>) (secret: ReadOnlySpan<char>) =
        if secret.IsEmpty || not (Ascii.IsValid other) then
            other.Contains(secret, StringComparison.OrdinalIgnoreCase)
        else
            let lower = Char.ToLowerInvariant secret[0]
            let upper = Char.ToUpperInvariant secret[0]
            let mutable rest = other
            let mutable found = false

            while not found && rest.Length >= secret.Length do
                match rest.IndexOfAny(lower, upper) with
                | -1 -> rest <- ReadOnlySpan.Empty
                | i when rest.Length - i < secret.Length -> rest <- ReadOnlySpan.Empty
                | i ->
                    found <- rest.Slice(i, secret.Length).Equals(secret, StringComparison.OrdinalIgnoreCase)

                    rest <- rest.Slice(i + 1)

            found

    /// Whether one of the secrets at those places may stand in another text. Where none can, none of them is cut out of
    /// its URL: what a server says is mostly shorter than all of them, but for the access key id.
    let mayStandIn (other: string) (shift: int) (text: string) (places: SecretPlace[]) : bool =
        let mutable i = 0
        let mutable found = false

        while not found && i < places.Length do
            let place = places[i]

            found <-
                place.Least <= other.Length
                && (not place.IsPlain
                    || (place.Least >= SecretForms.Shortest
                        && standsIn
                            (other.AsSpan())
                            (text.AsSpan(place.First + shift, place.Stop - place.First))))

            i <- i + 1

        found
