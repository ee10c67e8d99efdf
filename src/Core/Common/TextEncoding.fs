namespace CellOS.Export.S3.Core

open System
open System.Text.Unicode

/// Recognises the encoding of an operator's file. Rules that this module keeps:
/// - a file is UTF-8, with or without a byte order mark;
/// - UTF-16, which Windows PowerShell's `>` and Notepad's "Unicode" write, and UTF-32 are named as what they are.
[<RequireQualifiedAccess>]
module TextEncoding =

    let private startsWith (mark: byte list) (bytes: ReadOnlySpan<byte>) =
        let mutable isSame = bytes.Length >= mark.Length
        let mutable i = 0

        for expected in mark do
            isSame <- isSame && bytes[i] = expected
            i <- i + 1

        isSame

    /// UTF-16 without a mark: a text that begins with ASCII has a zero beside each character.
    let private zeros (bytes: ReadOnlySpan<byte>) =
        bytes.Length >= 4
        && (bytes[0] = 0uy) <> (bytes[1] = 0uy)
        && (bytes[0] = 0uy) = (bytes[2] = 0uy)
        && (bytes[1] = 0uy) = (bytes[3] = 0uy)

    let private nameOf (bytes: ReadOnlySpan<byte>) =
        if
            startsWith [ 0xffuy; 0xfeuy; 0uy; 0uy ] bytes
            || startsWith [ 0uy; 0uy; 0xfeuy; 0xffuy ] bytes
        then
            Some "UTF-32"
        elif
            startsWith [ 0xffuy; 0xfeuy ] bytes
            || startsWith [ 0xfeuy; 0xffuy ] bytes
            || zeros bytes
        then
            Some "UTF-16"
        else
            None

    /// Returns sentences on what is wrong and what to do; `None` for UTF-8.
    let internal problem (bytes: ReadOnlySpan<byte>) : string option =
        match nameOf bytes with
        | Some name ->
            Some
                $"The file is {name} text. Save it as UTF-8; in Windows PowerShell, write it with Out-File -Encoding utf8 in place of '>'."
        | None when Utf8.IsValid bytes -> None
        | None -> Some "The file is not UTF-8 text. Check that it is the right one, and save it as UTF-8."

    /// Returns sentences on what is wrong and what to do; `null` for UTF-8.
    [<CompiledName("Problem")>]
    let problemOrNull (bytes: ReadOnlyMemory<byte>) : string | null = problem bytes.Span |> Option.toObj
