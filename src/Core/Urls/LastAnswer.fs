namespace CellOS.Export.S3.Core

open System

/// A pure function of a text that remembers its last answer: a program asks about one host again and again.
[<Sealed>]
type internal LastAnswer<'answer>(answer: string -> 'answer) =
    // One object, so that another thread sees both or neither.
    let mutable last = ValueNone |> ref<struct (string * 'answer) voption>

    /// Returns the answer for the text, in whatever thread.
    member _.For(text: string) : 'answer =
        match last.Value with
        | ValueSome struct (known, given) when String.Equals(known, text) -> given
        | _ ->
            let given = answer text
            last <- ref (ValueSome struct (text, given))
            given
