// Snake, by telnet. It asks who plays (line mode), then reads keys as they come, and moves on when none did.
#include <charconv>
#include <cstdlib>
#include <deque>
#include <iterator>
#include <string>
#include <string_view>

#include "snake.h"

namespace {

using Handle = unbolt_telnet_sessions_own_session_t;
using Event = unbolt_telnet_sessions_event_t;

std::string number(unsigned value) {
  char text[12];
  return {text, std::to_chars(std::begin(text), std::end(text), value).ptr};
}

// The session, until the player leaves: then every call says so.
class Session {
 public:
  explicit Session(Handle handle) : handle_(handle) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { unbolt_telnet_sessions_session_drop_own(handle_); }

  bool write(std::string_view text) {
    snake_string_t lent{reinterpret_cast<uint8_t*>(const_cast<char*>(text.data())), text.size()};
    unbolt_telnet_sessions_end_t end;
    return unbolt_telnet_sessions_method_session_write(borrow(), &lent, &end);
  }
  bool read(Event& event, uint32_t* timeout_ms = nullptr) {
    unbolt_telnet_sessions_end_t end;
    return unbolt_telnet_sessions_method_session_read(borrow(), timeout_ms, &event, &end);
  }
  void set_mode(unbolt_telnet_sessions_mode_t mode) {
    unbolt_telnet_sessions_method_session_set_mode(borrow(), mode);
  }
  unbolt_telnet_sessions_size_t size() {
    unbolt_telnet_sessions_size_t size{80, 24};
    unbolt_telnet_sessions_method_session_size(borrow(), &size);
    return size;
  }

 private:
  unbolt_telnet_sessions_borrow_session_t borrow() {
    return unbolt_telnet_sessions_borrow_session(handle_);
  }
  Handle handle_;
};

struct Cell {
  int x, y;
  bool operator==(const Cell&) const = default;
};

class Game {
 public:
  Game(Session& session, std::string player) : session_(session), player_(std::move(player)) {
    const auto window = session.size();
    width_ = window.columns < 20 ? 18 : window.columns > 62 ? 60 : window.columns - 2;
    height_ = window.rows < 12 ? 8 : window.rows > 24 ? 20 : window.rows - 4;
    for (int i = 0; i < 4; ++i) snake_.push_back({width_ / 2 - i, height_ / 2});
    place_food();
  }

  // Until the snake bites, the player stops, or is gone; false: gone.
  bool play() {
    if (!draw_field()) return false;
    uint32_t wait = 150;
    for (;;) {
      Event event;
      if (!session_.read(event, &wait)) return false;
      const bool goes_on = react(event);
      const bool moves = event.tag == UNBOLT_TELNET_SESSIONS_EVENT_ELAPSED;
      unbolt_telnet_sessions_event_free(&event);
      if (!goes_on || (moves && !step())) return true;
    }
  }
  unsigned score() const { return score_; }

 private:
  static std::string at(Cell cell) { return "\x1b[" + number(cell.y + 3) + ";" + number(cell.x + 2) + "H"; }

  bool draw_field() {
    std::string text = "\x1b[2J\x1b[H\x1b[?25l " + player_ + ": 0";
    const std::string edge = "+" + std::string(width_, '-') + "+";
    text += "\x1b[2;1H" + edge;
    for (int y = 0; y < height_; ++y)
      text += at({-1, y}) + "|" + at({width_, y}) + "|";
    text += at({-1, height_}) + edge + at({food_.x, food_.y}) + "*";
    for (const Cell& cell : snake_) text += at(cell) + "o";
    return session_.write(text);
  }

  void turn(int x, int y) {
    if (x != -dx_ || y != -dy_) next_ = {x, y};
  }

  bool react(const Event& event) {
    if (event.tag == UNBOLT_TELNET_SESSIONS_EVENT_INTERRUPT) return false;
    if (event.tag == UNBOLT_TELNET_SESSIONS_EVENT_RESIZED) return draw_field();
    if (event.tag == UNBOLT_TELNET_SESSIONS_EVENT_KEY) {
      switch (event.val.key) {
        case UNBOLT_TELNET_SESSIONS_KEY_UP: turn(0, -1); break;
        case UNBOLT_TELNET_SESSIONS_KEY_DOWN: turn(0, 1); break;
        case UNBOLT_TELNET_SESSIONS_KEY_LEFT: turn(-1, 0); break;
        case UNBOLT_TELNET_SESSIONS_KEY_RIGHT: turn(1, 0); break;
        case UNBOLT_TELNET_SESSIONS_KEY_ESCAPE: return false;
        default: break;
      }
    } else if (event.tag == UNBOLT_TELNET_SESSIONS_EVENT_TEXT) {
      for (size_t i = 0; i < event.val.text.len; ++i) {
        switch (event.val.text.ptr[i]) {
          case 'w': turn(0, -1); break;
          case 's': turn(0, 1); break;
          case 'a': turn(-1, 0); break;
          case 'd': turn(1, 0); break;
          case 'q': return false;
          default: break;
        }
      }
    }
    return true;
  }

  bool step() {
    dx_ = next_.x, dy_ = next_.y;
    const Cell head{snake_.front().x + dx_, snake_.front().y + dy_};
    if (head.x < 0 || head.y < 0 || head.x >= width_ || head.y >= height_) return false;
    for (const Cell& cell : snake_)
      if (cell == head) return false;
    std::string text;
    snake_.push_front(head);
    if (head == food_) {
      ++score_;
      place_food();
      text += "\x1b[1;1H " + player_ + ": " + number(score_) + at(food_) + "*";
    } else {
      text += at(snake_.back()) + " ";
      snake_.pop_back();
    }
    return session_.write(text + at(head) + "o");
  }

  void place_food() {
    do {
      const uint64_t chance = wasi_random_random_get_random_u64();
      food_ = {static_cast<int>(chance % width_), static_cast<int>((chance >> 32) % height_)};
    } while (taken(food_));
  }
  bool taken(Cell at) const {
    for (const Cell& cell : snake_)
      if (cell == at) return true;
    return false;
  }

  Session& session_;
  std::string player_;
  int width_, height_, dx_ = 1, dy_ = 0;
  Cell next_{1, 0}, food_{};
  std::deque<Cell> snake_;
  unsigned score_ = 0;
};

// What was typed as a name: printable, and short.
std::string name_in(const snake_string_t& line) {
  std::string name;
  for (size_t i = 0; i < line.len && name.size() < 20; ++i)
    if (line.ptr[i] >= ' ' && line.ptr[i] < 127) name += static_cast<char>(line.ptr[i]);
  return name.empty() ? "nobody" : name;
}

}  // namespace

extern "C" void exports_unbolt_telnet_handler_handle(exports_unbolt_telnet_handler_own_session_t handle) {
  Session session(Handle{handle.__handle});
  if (!session.write("Snake. Arrows or w a s d steer, q ends.\nWho plays? ")) return;
  std::string player;
  while (player.empty()) {
    Event event;
    if (!session.read(event)) return;
    if (event.tag == UNBOLT_TELNET_SESSIONS_EVENT_LINE) player = name_in(event.val.line);
    const bool stops = event.tag == UNBOLT_TELNET_SESSIONS_EVENT_INTERRUPT;
    unbolt_telnet_sessions_event_free(&event);
    if (stops) return;
  }
  session.set_mode(UNBOLT_TELNET_SESSIONS_MODE_CHARACTER);
  Game game(session, player);
  if (!game.play()) return;
  session.write("\x1b[2J\x1b[H\x1b[?25h" + player + ", that was " + number(game.score()) +
                (game.score() == 1 ? " bite.\n" : " bites.\n"));
}
