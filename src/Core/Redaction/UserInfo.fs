namespace CellOS.Export.S3.Core

open System

/// Finds the user info of URLs in a text without escapes.
///
/// Rules that this type keeps:
/// - user info ends at the last `@` before the path;
/// - a password may contain a raw `/`, `?` or `#`: where the text before the first of them has an `@`, or a `:` that a
///   port does not follow, user info ends at the last `@` of the URL;
/// - `https://host:8080/a@b` is a port and a path, whatever the author meant;
/// - where the text ends within the authority, what may be a user name and a password is one: a program cut the text;
/// - without a scheme, `user:password@host` is user info, unless it is the name of a resource or an address of e-mail
///   (`arn:…`, `mailto:…`), has a `/` before the `@`, or is shorter than a secret;
/// - the time for all URLs of a text is proportional to its length.
[<Sealed>]
type internal UserInfo(text: Unescape.Seen[]) =

    /// The last `@` of the URL that was read last, and where that URL ends; for each depth.
    let lastAts: int[] = Array.create 4 -1
    let stops: int[] = Array.create 4 -1

    /// The last `@` at or after `first` in the URL that goes on there. -1 for none.
    let lastAt (depth: int) (first: int) =
        let slot = min depth (stops.Length - 1)

        if first >= stops[slot] then
            lastAts[slot] <- -1
            let mutable i = first

            while i < text.Length && not (FreeText.isEnd slot text[i]) do
                if text[i].Char = '@' then
                    lastAts[slot] <- i

                i <- i + 1

            // So that a URL without an end is not read again.
            stops[slot] <- max (i + 1) (first + 1)

        if lastAts[slot] >= first then lastAts[slot] else -1

    /// True if the host has no port, or has one that can be a port. An address of IPv6 stands in brackets.
    let hasPlausiblePort (first: int) (stop: int) =
        let host = FreeText.slice text first stop
        let colon = host.IndexOf(':', host.LastIndexOf ']' + 1)

        if colon < 0 then
            true
        else
            let port = host.AsSpan(colon + 1)

            colon > 0
            && port.Length <= 5
            && not (port.ContainsAnyExceptInRange('0', '9'))
            && (match Int32.TryParse port with
                | true, number -> number > 0 && number <= 65535
                | _ -> false)

    /// `s3://bucket/key` has no user info.
    let isObject (at: int) =
        at >= 5 && FreeText.matchesAt text (at - 5) "s3://"

    /// Where the user info begins and ends that the `://` before `at` precedes, if there is any.
    member _.After(at: int) : struct (int * int) =
        let depth = text[at - 1].Depth

        // A character of a password that is percent-encoded once more than its URL does not end the authority.
        let ends (c: Unescape.Seen) =
            c.Depth <= depth && (c.Char = '/' || c.Char = '?' || c.Char = '#')
            || FreeText.isEnd depth c

        let stop = FreeText.until ends text at
        let mutable last = stop - 1

        while last >= at && text[last].Char <> '@' do
            last <- last - 1

        let goesOn =
            stop < text.Length
            && not (FreeText.isEnd depth text[stop])
            && not (isObject at)
            && (last >= at || not (hasPlausiblePort at stop))

        if goesOn then
            last <- max last (lastAt depth stop)

        if last > at then
            struct (at, last)
        // A text that was cut before the '@'.
        elif
            stop = text.Length
            && stop > at
            && not (isObject at)
            && not (hasPlausiblePort at stop)
        then
            struct (at, stop)
        else
            FreeText.nowhere

    /// The user name and the password of `user:password@host` without a scheme, whose colon is at `at`.
    member _.Around(at: int) : struct (int * int) =
        let isUserChar (c: char) =
            Char.IsAsciiLetterOrDigit c || "-._~%+!$*\\".Contains c || c > '\u007f'

        let mutable first = at

        while first > 0 && isUserChar text[first - 1].Char do
            first <- first - 1

        let isNamed (name: string) =
            at - first = name.Length && FreeText.matchesAt text first name

        if
            first = at
            || at + 1 >= text.Length
            || "/'\"@".Contains text[at + 1].Char
            || isNamed "mailto"
            || isNamed "sip"
            || isNamed "arn"
            || isNamed "urn"
            || first > 0 && ":/@".Contains text[first - 1].Char
        then
            FreeText.nowhere
        else
            match lastAt Int32.MaxValue (at + 1) with
            | last when last > at + 1 ->
                let isSlash (c: Unescape.Seen) = c.Char = '/'
                let isHostChar (c: char) = Char.IsAsciiLetterOrDigit c || c = '['

                if
                    last - first >= Secrets.Shortest
                    && FreeText.until isSlash text (at + 1) > last
                    && last + 1 < text.Length
                    && isHostChar text[last + 1].Char
                then
                    struct (first, last)
                else
                    FreeText.nowhere
            | _ -> FreeText.nowhere

    /// The user info of the URL whose scheme ends with the colon at `at`, if it is one.
    member this.AfterScheme(at: int) : struct (int * int) =
        if FreeText.matchesAt text at "://" then
            this.After(at + 3)
        // .NET makes one slash of two where it takes a URL for a path.
        elif
            at >= 4 && FreeText.matchesAt text (at - 4) "http:/"
            || at >= 5 && FreeText.matchesAt text (at - 5) "https:/"
        then
            this.After(at + 2)
        else
            FreeText.nowhere
