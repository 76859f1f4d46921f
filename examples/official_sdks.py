"""Resumes a stream and controls a generation through the official libraries of OpenAI and Anthropic.

usage: python official_sdks.py [BASE_URL]

Needs the packages openai and anthropic. docs/streams.md describes resumable generations, docs/control.md the control commands.
"""
import sys

import anthropic
import openai


def resume_response(client):
    """Loses the connection of a background response after some events, and reads on behind the last one."""
    response = None
    begun = client.responses.create(model="local", input="Count from 1 to 20.", background=True, stream=True, temperature=0)
    for last in begun:
        response = last.response.id if last.type == "response.created" else response
        print(getattr(last, "delta", ""), end="", flush=True)
        if last.sequence_number == 20:
            break
    begun.close()
    print(f"\n[connection lost; reading on behind event {last.sequence_number}]")
    for event in client.responses.retrieve(response, stream=True, starting_after=last.sequence_number):
        print(getattr(event, "delta", ""), end="", flush=True)
    print(f"\n[{event.type}]")
    return event.response


def end_thinking(client):
    """Ends the thinking of a message while it streams. The command names the message's id."""
    with client.messages.stream(
        model="local", max_tokens=600, thinking={"type": "enabled", "budget_tokens": 500},
        messages=[{"role": "user", "content": "Think for a long time about rivers."}],
    ) as stream:
        for event in stream:
            if event.type == "thinking":
                path = f"/v1/generations/{stream.current_message_snapshot.id}/control"
                try:
                    reply = client.post(path, cast_to=object, body={"action": "reasoning_end"})
                    print(f"[reasoning ended at token {reply['at_token']}]")
                except anthropic.ConflictError as error:
                    # The model was faster than the command.
                    print(f"[no effect: {error.body['error']['reason']}]")
                break
        for text in stream.text_stream:
            print(text, end="", flush=True)
        message = stream.get_final_message()
    print(f"\n[{message.stop_reason}]")
    return message


def main(base_url="http://127.0.0.1:8080"):
    response = resume_response(openai.OpenAI(base_url=base_url + "/v1", api_key="none"))
    message = end_thinking(anthropic.Anthropic(base_url=base_url, api_key="none"))
    return response, message


if __name__ == "__main__":
    main(*sys.argv[1:])
