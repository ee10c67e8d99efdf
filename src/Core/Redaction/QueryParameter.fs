namespace CellOS.Export.S3.Core

open System

/// A parameter of a query by where it stands in the text whose end is the query: `name=value`, or a name alone.
/// A URL is gone through by these, since cutting it into texts takes several times its length.
[<Struct>]
type internal QueryParameter = {
    First: int
    /// Where its `=` stands; `Stop` if it has none.
    Sign: int
    /// Where it has ended: at an `&`, or at the end of the text.
    Stop: int
}

[<RequireQualifiedAccess>]
module internal QueryParameter =

    /// The parameter that begins at `first`. The next one begins behind its `Stop`, if that is within the text.
    let at (text: string) (first: int) : QueryParameter =
        let stop =
            match text.IndexOf('&', first) with
            | -1 -> text.Length
            | stop -> stop

        {
            First = first
            Sign =
                match text.IndexOf('=', first, stop - first) with
                | -1 -> stop
                | sign -> sign
            Stop = stop
        }

    let name (text: string) (parameter: QueryParameter) : ReadOnlySpan<char> =
        text.AsSpan(parameter.First, parameter.Sign - parameter.First)

    /// What stands behind the `=`; nothing if there is none.
    let value (text: string) (parameter: QueryParameter) : ReadOnlySpan<char> =
        if parameter.Sign = parameter.Stop then
            ReadOnlySpan.Empty
        else
            text.AsSpan(parameter.Sign + 1, parameter.Stop - parameter.Sign - 1)

    /// Whether the name is the other one, in any case.
    let isNamed (other: string) (name: ReadOnlySpan<char>) =
        name.Length = other.Length
        && name.Equals(other, StringComparison.OrdinalIgnoreCase)
