/// A pseudo terminal, and the screen that an operator sees on it.
module Cli.Tests.Terminal

open System
open System.Collections.Generic
open System.Runtime.InteropServices
open System.Text
open System.Threading
open Expecto
open Microsoft.Win32.SafeHandles

[<Struct; StructLayout(LayoutKind.Sequential)>]
type private WindowSize =
    val mutable Rows: uint16
    val mutable Columns: uint16
    val mutable Width: uint16
    val mutable Height: uint16

[<DllImport("libc", EntryPoint = "posix_openpt", SetLastError = true)>]
extern int private openTerminal(int flags)

[<DllImport("libc", EntryPoint = "grantpt", SetLastError = true)>]
extern int private grant(SafeFileHandle terminal)

[<DllImport("libc", EntryPoint = "unlockpt", SetLastError = true)>]
extern int private unlock(SafeFileHandle terminal)

[<DllImport("libc", EntryPoint = "ptsname_r", SetLastError = true)>]
extern int private nameOf(SafeFileHandle terminal, byte[] name, nativeint size)

[<DllImport("libc", EntryPoint = "ioctl", SetLastError = true)>]
extern int private setSize(SafeFileHandle terminal, unativeint request, WindowSize& size)

[<DllImport("libc", EntryPoint = "read", SetLastError = true)>]
extern nativeint private readSome(SafeFileHandle terminal, byte[] buffer, nativeint size)

// O_RDWR | O_NOCTTY and TIOCSWINSZ of asm-generic.
let private readWrite = 0x2 ||| 0x100
let private setWindowSize = 0x5414un

/// The lines that remain after some output, those that scrolled away among them, without blanks at their ends. It knows
/// what a progress display uses: line ends, cursor movements up and to a column, erasing.
let screen (columns: int) (output: string) : string list =
    let lines = List<StringBuilder>()
    let mutable row = 0
    let mutable column = 0

    let line () =
        while lines.Count <= row do
            lines.Add(StringBuilder())

        lines[row]

    let put (c: char) =
        if column >= columns then
            row <- row + 1
            column <- 0

        let line = line ()

        while line.Length <= column do
            line.Append ' ' |> ignore

        line[column] <- c
        column <- column + 1

    let erase (first: int) (stop: int) =
        let line = line ()

        for i in first .. min (stop - 1) (line.Length - 1) do
            line[i] <- ' '

    let act (parameters: string) (final: char) =
        let number ifNone =
            match Int32.TryParse parameters with
            | true, value -> value
            | _ -> ifNone

        match final with
        | 'A' -> row <- max 0 (row - number 1)
        | 'B' -> row <- row + number 1
        | 'G' -> column <- number 1 - 1
        | 'K' when number 0 = 2 -> erase 0 columns
        | 'K' when number 0 = 0 -> erase column columns
        | 'J' when number 0 = 0 ->
            erase column columns

            if lines.Count > row + 1 then
                lines.RemoveRange(row + 1, lines.Count - row - 1)
        | _ -> ()

    let mutable i = 0

    while i < output.Length do
        match output[i] with
        | '\n' -> row <- row + 1
        | '\r' -> column <- 0
        | '\027' when i + 1 < output.Length && output[i + 1] = '[' ->
            let mutable stop = i + 2

            while stop < output.Length && not (Char.IsBetween(output[stop], '@', '~')) do
                stop <- stop + 1

            if stop < output.Length then
                act (output.Substring(i + 2, stop - i - 2)) output[stop]

            i <- stop
        | '\027' -> i <- i + 1
        | c when c >= ' ' -> put c
        | _ -> ()

        i <- i + 1

    [ for line in lines -> line.ToString().TrimEnd() ]

/// A pseudo terminal of the given columns and 30 rows. Its output is read as it is written.
type Terminal(columns: int) =
    let check what result =
        if result <> 0 then
            failtest $"{what}: {Marshal.GetLastPInvokeErrorMessage()}"

    let terminal = new SafeFileHandle(nativeint (openTerminal readWrite), true)
    let output = StringBuilder()
    let decoder = Encoding.UTF8.GetDecoder()

    let path =
        if terminal.IsInvalid then
            failtest "there is no pseudo terminal"

        check "grantpt" (grant terminal)
        check "unlockpt" (unlock terminal)
        let mutable size = WindowSize(Rows = 30us, Columns = uint16 columns)
        check "TIOCSWINSZ" (setSize (terminal, setWindowSize, &size))
        let name = Array.zeroCreate<byte> 100
        check "ptsname_r" (nameOf (terminal, name, nativeint name.Length))
        Encoding.ASCII.GetString(name, 0, Array.IndexOf(name, 0uy))

    let read () =
        let buffer = Array.zeroCreate<byte> 4096
        let mutable going = true

        while going do
            // EIO after the last writer has closed it.
            match int (readSome (terminal, buffer, nativeint buffer.Length)) with
            | count when count <= 0 -> going <- false
            | count ->
                let chars = Array.zeroCreate<char>(count + 1)
                let length = decoder.GetChars(buffer, 0, count, chars, 0)
                lock output (fun () -> output.Append(chars, 0, length) |> ignore)

    let reader = Thread(read, IsBackground = true)

    /// The path of the terminal that a program writes to.
    member _.Path = path

    /// Begins to read. A program has to have it open by then.
    member _.Start() = reader.Start()

    /// All that was written, after the last writer has ended.
    member _.Output =
        if not (reader.Join(TimeSpan.FromSeconds 30.)) then
            failtest "somebody still writes to the terminal"

        lock output (fun () -> output.ToString())

    interface IDisposable with
        member _.Dispose() = terminal.Dispose()
