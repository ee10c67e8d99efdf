namespace CellOS.Export.S3.Core

#nowarn "9" // Spans on the stack.

open System
open Microsoft.FSharp.NativeInterop

/// Recognizes texts that contain no secret of a URL, without the full search: nearly all request ids, ETags and addresses
/// are such texts, and the full search costs more than the rest of a push's decisions.
///
/// Rules that this module keeps:
/// - a text passes only if it is plain: ASCII letters, digits and a few other characters, none of which begins an escape;
/// - every secret has `Secrets.Shortest` characters or more, so a text that contains one, or its beginning or its end, shares
///   four letters or digits in a row with the URL, whatever is between them; or three of six characters in a row are
///   others, and such a text, or such a value, does not pass;
/// - what a text decodes to, as Base64 or as hexadecimal digits, is compared in the same way, where it is ASCII characters in
///   a row; the octets of Base64 are compared with hexadecimal digits of the URL, three octets in a row;
/// - a URL with escapes within escapes lets no text pass.
[<RequireQualifiedAccess>]
module internal SecretSieve =

    /// The most characters of all texts.
    [<Literal>]
    let private LongestText = 512

    /// The fewest 'x' and ':' of a list of octets: `33x66x38`, `33:66:38`.
    [<Literal>]
    let private FewestSigns = 7

    /// True if at most two of six characters in a row are neither letters nor digits.
    let private isDense (text: string) =
        let mutable others = 0
        let mutable isDense = true

        for i in 0 .. text.Length - 1 do
            if SecretGrams.symbol text[i] = 0 then
                others <- others + 1

            if i >= Secrets.Shortest && SecretGrams.symbol text[i - Secrets.Shortest] = 0 then
                others <- others - 1

            isDense <- isDense && others <= SecretGrams.MostOthers

        isDense

    let private isPlain (others: string) (text: string) =
        let mutable stop = text.Length

        // Base64 padding has no value behind it.
        while stop > 0 && (text[stop - 1] = '=' || text[stop - 1] = '"') do
            stop <- stop - 1

        let mutable isPlain = true
        let mutable signs = 0

        for i in 0 .. text.Length - 1 do
            let c = text[i]

            if SecretGrams.symbol c = 0 then
                isPlain <- isPlain && (others.Contains c || i >= stop)

            if c = ':' || c = 'x' || c = 'X' then
                signs <- signs + 1

        isPlain && signs < FewestSigns

    /// The most that the octets of a URL may be.
    [<Literal>]
    let private MostOctets = 384

    /// True if a URL, from the given index on, has no gram of the first set. False as well for a URL with escapes within
    /// escapes, or with too many hexadecimal digits. Adds to the second what these denote, three octets in a row.
    let private sharesNothing (grams: Span<int>) (octets: Span<int>) (url: string) (first: int) =
        let mutable i = first
        let mutable gram = 0
        let mutable value = 0
        let mutable run = 0
        let mutable added = 0
        let mutable passes = true

        while passes && i < url.Length do
            let c =
                if url[i] = '%' && i + 2 < url.Length then
                    i <- i + 2
                    char (16 * (SecretGrams.symbol url[i - 1] - 1) + SecretGrams.symbol url[i] - 1)
                else
                    url[i]

            i <- i + 1

            if c = '%' || c = '\\' || c = '&' && url[i - 1] <> '&' then
                passes <- false
            else
                match SecretGrams.symbol c with
                | 0 -> ()
                | symbol ->
                    gram <- SecretGrams.push gram symbol
                    passes <- not (SecretGrams.isWhole gram && SecretGrams.isIn grams gram)
                    value <- (value <<< 4) ||| (symbol - 1)
                    run <- if symbol <= 16 then run + 1 else 0

                    if run >= 6 then
                        SecretGrams.add octets (SecretGrams.ofOctets value)
                        added <- added + 1
                        passes <- passes && added < MostOctets

        passes

    /// Compares plain texts, and what they decode to, with a URL, from the given index on.
    let private areFree (texts: string list) (url: string) (first: int) =
        let places = SecretGrams.placesFor (List.sumBy String.length texts)

        let grams =
            Span<int>(NativePtr.toVoidPtr (NativePtr.stackalloc<int> places), places)

        let octets = Span<int>(NativePtr.toVoidPtr (NativePtr.stackalloc<int> 512), 512)

        for text in texts do
            SecretGrams.addAll grams text

        let mutable passes = sharesNothing grams octets url first

        for text in texts do
            passes <- passes && SecretGrams.denotesNothing octets text

        passes

    /// True if none of the texts contains a secret of the URL behind the given index, or a part of one, in any spelling, and
    /// none needs to be redacted. False says nothing.
    let passes (url: string) (first: int) (texts: string list) : bool =
        let isPlain (text: string) =
            isPlain "+/-._\"" text
            && isDense text
            && not (NamedSecrets.mayFollow text)
            && not (CredentialForms.mayBeIn text)

        List.sumBy String.length texts <= LongestText
        && List.forall isPlain texts
        && areFree texts url first

    /// True if a text, which may be an address, contains none of the values, and no part of one, in any spelling. False
    /// says nothing.
    let isFreeOf (values: string list) (text: string) : bool =
        text.Length <= LongestText
        && isPlain "+/-._:" text
        && values
           |> List.forall (fun value -> isDense value && not (value.Contains '%') && areFree [ text ] value 0)
