namespace CellOS.Export.S3.Core

#nowarn "9" // A span on the stack.

open System
open Microsoft.FSharp.NativeInterop

/// Recognizes texts in which no secret of a URL can be, without reading the secrets: nearly all request ids and ETags are
/// such texts, and reading the secrets of a URL costs more than the rest of an upload's decisions.
///
/// Rules that this module keeps:
/// - a text passes only if it is plain: ASCII letters, digits and a few other characters, none of which begins an escape, and
///   if `Redaction.text` would return it as it is;
/// - every secret has `Secrets.Shortest` characters or more, so a text that contains one, or its beginning or its end, shares
///   four letters or digits in a row with the URL, whatever stands between them; or most of these characters are others, and
///   such a text does not pass;
/// - a URL with escapes within escapes lets no text pass.
[<RequireQualifiedAccess>]
module internal SecretSieve =

    /// The number of letters and digits that are compared at once.
    [<Literal>]
    let private Gram = 4

    [<Literal>]
    let private LongestText = 256

    [<Literal>]
    let private Words = 256

    /// The number of a letter, without regard to case, or a digit, from 1 to 36; 0 for any other character.
    let private symbol (c: char) =
        if Char.IsAsciiDigit c then int c - int '0' + 1
        elif Char.IsAsciiLetter c then (int c ||| 0x20) - int 'a' + 11
        else 0

    /// The last four symbols, six bits each.
    let private push (gram: int) (symbol: int) = ((gram <<< 6) ||| symbol) &&& 0xFFFFFF

    let private isWhole (gram: int) = gram >>> 18 <> 0

    let private slot (gram: int) =
        int ((uint32 gram * 2654435761u) >>> 18)

    let private isPlain (text: string) =
        let mutable stop = text.Length

        // Base64 padding has no value behind it.
        while stop > 0 && (text[stop - 1] = '=' || text[stop - 1] = '"') do
            stop <- stop - 1

        let mutable isPlain = text.Length <= LongestText
        let mutable others = 0

        for i in 0 .. text.Length - 1 do
            let c = text[i]

            if symbol c = 0 then
                others <- others + 1

                isPlain <-
                    isPlain
                    && (c = '+' || c = '/' || c = '-' || c = '.' || c = '_' || c = '"' || i >= stop)

            if i >= Secrets.Shortest && symbol text[i - Secrets.Shortest] = 0 then
                others <- others - 1

            if others > Secrets.Shortest - Gram then
                isPlain <- false

        isPlain
        && not (text.Contains("/p/", StringComparison.OrdinalIgnoreCase))
        && not (NamedSecrets.mayNameScheme text)
        && not (CredentialForms.mayBeIn text)

    let private addGrams (slots: Span<uint64>) (text: string) =
        let mutable gram = 0

        for c in text do
            match symbol c with
            | 0 -> ()
            | symbol ->
                gram <- push gram symbol

                if isWhole gram then
                    let slot = slot gram
                    slots[slot >>> 6] <- slots[slot >>> 6] ||| (1UL <<< slot)

    let private hasGram (gram: int) (text: string) =
        let mutable last = 0
        let mutable found = false

        for c in text do
            match symbol c with
            | 0 -> ()
            | symbol ->
                last <- push last symbol
                found <- found || last = gram

        found

    /// True if a URL, from the given index on, shares no four letters or digits in a row with the texts. False as well for a
    /// URL with escapes within escapes.
    let private sharesNothing (slots: Span<uint64>) (texts: string list) (url: string) (first: int) =
        let mutable i = first
        let mutable gram = 0
        let mutable passes = true

        while passes && i < url.Length do
            let c =
                if url[i] = '%' && i + 2 < url.Length then
                    i <- i + 2
                    char (16 * (symbol url[i - 1] - 1) + symbol url[i] - 1)
                else
                    url[i]

            i <- i + 1

            if c = '%' || c = '\\' || c = '&' && url[i - 1] <> '&' then
                passes <- false
            else
                match symbol c with
                | 0 -> ()
                | symbol ->
                    gram <- push gram symbol
                    let slot = slot gram

                    if (slots[slot >>> 6] >>> slot) &&& 1UL <> 0UL && isWhole gram then
                        passes <- not (texts |> List.exists (hasGram gram))

        passes

    /// True if none of the texts contains a secret of the URL, or a part of one, in any spelling, and none needs to be redacted.
    /// False says nothing.
    let passes (url: RequestUrl) (texts: string list) : bool =
        let slots =
            Span<uint64>(NativePtr.toVoidPtr (NativePtr.stackalloc<uint64> Words), Words)

        slots.Clear()

        let mutable arePlain = true

        for text in texts do
            if isPlain text then addGrams slots text else arePlain <- false

        arePlain && sharesNothing slots texts (RequestUrl.reveal url) url.Authority.Stop
